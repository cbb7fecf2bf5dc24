/*
 * JSON that lacks nothing. When memory runs out, jansson gives NULL, and an object takes no NULL: it goes without that
 * member, and nobody notices. After json_memory_install the process ends instead, as it does with base/mem.h. A program
 * calls it before it uses JSON (jansson: json_set_alloc_funcs).
 */
#ifndef CODEC_JSON_MEMORY_H
#define CODEC_JSON_MEMORY_H

void json_memory_install(void);

#endif
