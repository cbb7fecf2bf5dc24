#include "codec/json_memory.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"

static void *take(size_t n)
{
    return mem_resize(NULL, n, 1);
}

void json_memory_install(void)
{
    json_set_alloc_funcs(take, free);
}
