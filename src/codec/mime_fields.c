#include "codec/mime_fields.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/charset.h"
#include "codec/header.h"

#include <stdlib.h>
#include <string.h>

/* ---- parts ---- */

/* A parameter in lower case, or NULL. */
static char *param_lower(struct span value, const char *name)
{
    struct buf b = BUF_EMPTY;

    if (!value.data || !header_param(value, name, &b)) {
        buf_free(&b);
        return NULL;
    }
    for (size_t i = 0; i < b.len; i++)
        if (b.data[i] >= 'A' && b.data[i] <= 'Z')
            b.data[i] |= 32;
    return buf_take(&b);
}

static char *token_lower(struct span value)
{
    struct buf b = BUF_EMPTY;

    header_token(value, &b);
    return buf_take(&b);
}

static char *file_name(struct span disposition, struct span type)
{
    struct buf given = BUF_EMPTY, safe = BUF_EMPTY;
    bool has = disposition.data && header_param(disposition, "filename", &given) && given.len;

    if (!has && type.data)
        header_param(type, "name", &given);
    mime_safe_name(buf_span(&given), &safe);
    buf_free(&given);
    if (safe.len)
        return buf_take(&safe);
    buf_free(&safe);
    return NULL;
}

static char *field_text(struct span header, const char *name)
{
    struct buf b = BUF_EMPTY;
    struct span value;

    if (!header_find(header, name, 0, &value))
        return NULL;
    header_decode_text(value, &b);
    return buf_take(&b);
}

/* The type has to be "a/b"; what it is not is bytes that nobody can show. */
static char *part_type(struct span value, bool has_type, bool in_digest)
{
    char *type, *slash;

    if (!has_type)
        return mem_strdup(in_digest ? "message/rfc822" : "text/plain");
    type = token_lower(value);
    slash = strchr(type, '/');
    if (slash && slash != type && slash[1] && strlen(type) <= 200)
        return type;
    /* "Content-Type: text" is what old programs write */
    slash = mem_strdup(!strcmp(type, "text") || !*type ? "text/plain" : "application/octet-stream");
    free(type);
    return slash;
}

void mime_fill_part(struct span header, bool in_digest, struct mime_part *p)
{
    struct span type, disposition, encoding, id;
    bool has_type = header_find(header, "Content-Type", 0, &type);

    header_find(header, "Content-Transfer-Encoding", 0, &encoding);
    p->encoding = xfer_from_name(encoding);
    p->type = part_type(type, has_type, in_digest);
    p->charset = param_lower(type, "charset");
    p->protocol = param_lower(type, "protocol");
    p->micalg = param_lower(type, "micalg");
    p->format = param_lower(type, "format");
    p->delsp = param_lower(type, "delsp");
    p->hp = param_lower(type, "hp");
    p->protected_headers = param_lower(type, "protected-headers");
    p->legacy_display = param_lower(type, "hp-legacy-display");
    p->smime_type = param_lower(type, "smime-type");
    if (header_find(header, "Content-Disposition", 0, &disposition))
        p->disposition = token_lower(disposition);
    p->name = file_name(disposition, type);
    p->subject = field_text(header, "Subject");
    if (header_find(header, "Content-ID", 0, &id) && header_next_msg_id(&id, &encoding))
        p->content_id = mem_strndup(encoding.data, encoding.len);
}

void mime_part_free(struct mime_part *p)
{
    char **strings[] = {&p->type,           &p->charset,    &p->name,        &p->protocol, &p->micalg,
                        &p->format,         &p->delsp,      &p->disposition, &p->hp,       &p->protected_headers,
                        &p->legacy_display, &p->smime_type, &p->content_id,  &p->subject};

    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        mem_free_secret(strings[i]);
}

/* ---- file names ---- */

static bool is_reserved(uint8_t c)
{
    return c < ' ' || c == 0x7f || strchr("/\\:*?\"<>|", c);
}

void mime_safe_name(struct span name, struct buf *out)
{
    struct buf clean = BUF_EMPTY, safe = BUF_EMPTY;
    size_t from = 0, len, n;
    uint32_t code;

    header_add_clean(name, &clean);
    for (size_t i = 0; i < clean.len; i++)
        if (clean.data[i] == '/' || clean.data[i] == '\\')
            from = i + 1;
    for (size_t i = from; i < clean.len; i++)
        buf_add_byte(&safe, is_reserved(clean.data[i]) ? '_' : clean.data[i]);
    for (from = 0; from < safe.len && strchr(".- ~", safe.data[from]); from++)
        ;
    buf_drop_front(&safe, from);
    for (len = 0; len < safe.len; len += n) {
        n = charset_utf8_char((struct span){safe.data + len, safe.len - len}, &code);
        if (!n || len + n > MIME_NAME_MAX_BYTES)
            break;
    }
    while (len && (safe.data[len - 1] == ' ' || safe.data[len - 1] == '.'))
        len--;
    buf_add(out, safe.data, len);
    buf_free(&clean);
    buf_free(&safe);
}

/* ---- the message ---- */

static char *field_msg_id(struct span header, const char *name)
{
    struct span value, id;

    if (!header_find(header, name, 0, &value) || !header_next_msg_id(&value, &id))
        return NULL;
    return mem_strndup(id.data, id.len);
}

/* The last ones are the nearest ancestors, so an overlong list loses its front. */
static void fill_references(struct span header, struct mime_message *m)
{
    struct span value, id;

    if (!header_find(header, "References", 0, &value))
        return;
    m->references = mem_zero(MIME_REFERENCES_MAX, sizeof *m->references);
    while (header_next_msg_id(&value, &id)) {
        if (m->n_references == MIME_REFERENCES_MAX) {
            free(m->references[0]);
            memmove(m->references, m->references + 1, (MIME_REFERENCES_MAX - 1) * sizeof *m->references);
            m->n_references--;
        }
        m->references[m->n_references++] = mem_strndup(id.data, id.len);
    }
}

/* All fields of that name count: a second From is no less shown than the first. */
static void fill_list(struct span header, const char *name, struct addr_list *out)
{
    struct header_iter it = {header};
    struct span field, value;

    while (header_next(&it, &field, &value))
        if (header_name_is(field, name) && out->n < ADDR_LIST_MAX)
            addr_list_parse(value, out);
}

void mime_fill_message(struct span header, struct mime_message *m)
{
    struct span date;

    m->subject = field_text(header, "Subject");
    m->date_text = field_text(header, "Date");
    m->date_utc_s = INSTANT_NONE;
    if (header_find(header, "Date", 0, &date) && !header_parse_date(date, &m->date_utc_s))
        m->date_utc_s = INSTANT_NONE;
    m->message_id = field_msg_id(header, "Message-ID");
    m->in_reply_to = field_msg_id(header, "In-Reply-To");
    fill_references(header, m);
    fill_list(header, "From", &m->from);
    fill_list(header, "To", &m->to);
    fill_list(header, "Cc", &m->cc);
    fill_list(header, "Reply-To", &m->reply_to);
    fill_list(header, "Sender", &m->sender);
    m->several_from = header_count(header, "From") > 1 || m->from.n > 1;
    m->auto_submitted = field_text(header, "Auto-Submitted");
    m->precedence = field_text(header, "Precedence");
    m->list_id = field_text(header, "List-Id");
    m->return_path = field_text(header, "Return-Path");
    m->content_type = field_text(header, "Content-Type");
}

void mime_message_free(struct mime_message *m)
{
    char **strings[] = {&m->subject,    &m->date_text, &m->message_id,  &m->in_reply_to, &m->auto_submitted,
                        &m->precedence, &m->list_id,   &m->return_path, &m->content_type};

    for (size_t i = 0; i < m->n_parts; i++)
        mime_part_free(&m->parts[i]);
    free(m->parts);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        mem_free_secret(strings[i]);
    for (size_t i = 0; i < m->n_references; i++)
        free(m->references[i]);
    free(m->references);
    addr_list_free(&m->from);
    addr_list_free(&m->to);
    addr_list_free(&m->cc);
    addr_list_free(&m->reply_to);
    addr_list_free(&m->sender);
    *m = (struct mime_message){.date_utc_s = INSTANT_NONE};
}

/* ---- fields by name ---- */

bool mime_field_nth(struct span header_block, const char *name, size_t nth, struct buf *out)
{
    struct span value;

    if (!header_find(header_block, name, nth, &value))
        return false;
    header_unfold(value, out);
    return true;
}

bool mime_field(struct span header_block, const char *name, struct buf *out)
{
    return mime_field_nth(header_block, name, 0, out);
}

size_t mime_field_count(struct span header_block, const char *name)
{
    return header_count(header_block, name);
}
