/* Where there is no libFuzzer (only --config=fuzz has it), this is main(): each file of the given
 * folders is one input. What looks like a flag of libFuzzer is passed over. */
#include <dirent.h>
#include <limits.h>
#include <string.h>

#include "lib/base/buf.h"
#include "tests/fuzz/fuzz.h"

static void run_file(const char *path)
{
    struct ink_buf content = INK_BUF_INIT;
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    for (size_t n = 1; n > 0; content.len += n)
        n = fread(ink_buf_reserve(&content, 4096), 1, 4096, file);
    CHECK(!ferror(file));
    fclose(file);
    fprintf(stderr, "%s\n", path);
    /* A copy of the exact size, so that a sanitizer sees what is read beyond it. */
    uint8_t *exact = malloc(content.len + (content.len == 0));
    CHECK(exact != NULL);
    memcpy(exact, content.len == 0 ? "" : content.data, content.len);
    LLVMFuzzerTestOneInput(exact, content.len);
    free(exact);
    ink_buf_release(&content);
}

static size_t run_folder(const char *folder)
{
    size_t count = 0;
    char path[PATH_MAX];
    DIR *dir = opendir(folder);
    CHECK(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        run_file(path);
        count++;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-')
            count += run_folder(argv[i]);
    printf("%zu inputs\n", count);
    return count == 0;
}
