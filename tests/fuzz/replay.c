/* Runs a fuzz target over the files of a folder, without the fuzzer: replay FOLDER. */
#include "fuzz/fuzz.h"

#include "base/buf.h"
#include "base/fsx.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct dirent *e;
    char path[4096];
    int n = 0;
    DIR *dir;

    LLVMFuzzerInitialize(&argc, &argv);
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (!dir) {
        fprintf(stderr, "usage: replay FOLDER\n");
        return 2;
    }
    while ((e = readdir(dir))) {
        struct buf bytes = BUF_EMPTY;
        struct diag why;

        if (e->d_name[0] == '.' || fsx_join(argv[1], e->d_name, path, sizeof path, &why))
            continue;
        if (!fsx_read_path(path, (size_t)16 << 20, &bytes, &why)) {
            LLVMFuzzerTestOneInput(bytes.data, bytes.len);
            n++;
        }
        buf_free(&bytes);
    }
    closedir(dir);
    printf("%d files\n", n);
    return n ? 0 : 1;
}
