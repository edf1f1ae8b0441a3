/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_list.h"

#include "base/panic.h"
#include "mail/address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 4096, FIRST_ROOM = 64 };

static void *grow(void *old, size_t n, size_t size)
{
    void *p = reallocarray(old, n, size);

    if (p == NULL)
        panic("out of memory");
    return p;
}

static size_t *slot_of(const struct check_list *list, struct str domain)
{
    size_t i = (size_t)str_hash(domain) % list->slots_n;

    while (list->slots[i] != 0 &&
           !str_eq(list->domains[list->slots[i] - 1], domain))
        i = (i + 1) % list->slots_n;
    return &list->slots[i];
}

/* The table is never more than half full. */
static void make_room(struct check_list *list)
{
    if (list->n < list->room)
        return;
    list->room = list->room == 0 ? FIRST_ROOM : list->room * 2;
    list->domains = grow(list->domains, list->room, sizeof(*list->domains));
    list->slots_n = list->room * 2;
    list->slots = grow(list->slots, list->slots_n, sizeof(*list->slots));
    memset(list->slots, 0, list->slots_n * sizeof(*list->slots));
    for (size_t i = 0; i < list->n; i++)
        *slot_of(list, list->domains[i]) = i + 1;
}

/* "ann@x.example", "x.example,4,..." and "x.example." are x.example. */
static struct str domain_part(struct str word)
{
    size_t at;

    word = str_trim(str_first(word, str_find_char(word, ',')));
    if (word.n > 1 && word.p[0] == '"' && word.p[word.n - 1] == '"')
        word = str_of(word.p + 1, word.n - 2);
    while ((at = str_find_char(word, '@')) < word.n)
        word = str_from(word, at + 1);
    if (word.n > 1 && word.p[word.n - 1] == '.')
        word.n--;
    return word;
}

bool check_list_add(struct check_list *list, struct str word)
{
    struct str domain;

    if (list->n == CHECK_LIST_MAX ||
        !address_domain(domain_part(word), &list->arena, &domain) ||
        domain.p[0] == '[' || !str_has_char(domain, '.'))
        return false;
    make_room(list);
    size_t *slot = slot_of(list, domain);
    if (*slot == 0) {
        list->domains[list->n] = domain;
        *slot = ++list->n;
    }
    return true;
}

static bool is_passed_over(struct str line, size_t number)
{
    return line.n == 0 || line.p[0] == '#' ||
           (number == 1 &&
            str_eq(domain_part(line), STR("domain"))); /* a table's head */
}

bool check_list_read(struct check_list *list, const struct cli *cli,
                     const char *path)
{
    bool standard = strcmp(path, "-") == 0, ok = true;
    FILE *file = standard ? stdin : fopen(path, "re");
    char text[LINE_MAX_BYTES];

    if (file == NULL) {
        cli_fail(cli, CLI_USAGE, "cannot read %s: %s", path, strerror(errno));
        return false;
    }
    for (size_t number = 1; ok && fgets(text, sizeof(text), file) != NULL;
         number++) {
        struct str line = str_trim(str_from_cstr(text));

        if (is_passed_over(line, number))
            continue;
        ok = check_list_add(list, line);
        if (!ok)
            cli_fail(cli, CLI_USAGE,
                     "%s, line %zu: not a domain such as partner.example", path,
                     number);
    }
    if (ok && ferror(file)) {
        cli_fail(cli, CLI_USAGE, "cannot read %s", path);
        ok = false;
    }
    if (!standard)
        fclose(file);
    return ok;
}

void check_list_free(struct check_list *list)
{
    free(list->domains);
    free(list->slots);
    arena_free(&list->arena);
    *list = (struct check_list){ 0 };
}
