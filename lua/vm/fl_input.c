/*
 * The argument o of a hook: a view of fl_input_t, one and the same for all
 * calls.  A field is fetched when it is asked for, so a call costs what its
 * rule reads, and nothing can be left over from the call before.
 *
 * A field that no hook has is an error and not nil: a rule that misspells one
 * shall not sell at a price that it never meant.
 */

#include "fl_priv.h"


static unsigned fl_word_place(const char *word);
static void fl_word_add(fl_t *fl, const char *word, uint8_t number);
static unsigned fl_word_find(const fl_t *fl, const char *word);
static int fl_input_index(lua_State *L);
static int fl_input_newindex(lua_State *L);
static int fl_input_signal(lua_State *L);
static void fl_input_view(lua_State *L, lua_CFunction index);
static void fl_value_push(lua_State *L, uint8_t type, const fl_value_t *value);


const fl_field_info_t  fl_fields[] = {
#define FL_FIELD_INFO(id, word, hooks, type, text)                           \
    { word, text, hooks, FL_##type },
    FL_FIELDS(FL_FIELD_INFO)
#undef FL_FIELD_INFO
};


void
fl_input_clear(fl_input_t *in)
{
    memset(in->type, 0, sizeof(in->type));
    in->later = NULL;
    in->signal = NULL;
}


void
fl_input_int(fl_input_t *in, fl_field_t field, int64_t number)
{
    assert(fl_fields[field].type == FL_INT);
    in->type[field] = FL_INT;
    in->value[field].number = number > FL_NUMBER_MAX ? FL_NUMBER_MAX
                              : number < -FL_NUMBER_MAX ? -FL_NUMBER_MAX
                              : number;
}


void
fl_input_bool(fl_input_t *in, fl_field_t field, int yes)
{
    assert(fl_fields[field].type == FL_BOOL);
    in->type[field] = FL_BOOL;
    in->value[field].number = yes;
}


void
fl_input_text(fl_input_t *in, fl_field_t field, fk_str_t text)
{
    assert(fl_fields[field].type == FL_TEXT);
    in->type[field] = FL_TEXT;
    in->value[field].text = text;
}


void
fl_input_push(lua_State *L)
{
    fl_t        *fl = fl_of(L);
    uint8_t      i;
    const char  *word;

    memset(fl->word, 0, sizeof(fl->word));

    /* This table keeps the words where they are as long as there is an o. */
    lua_newtable(L);

    for (i = 0; i <= FL_FIELD_COUNT; i++) {
        word = i < FL_FIELD_COUNT ? fl_fields[i].word : "signals";
        lua_pushstring(L, word);
        fl_word_add(fl, lua_tostring(L, -1), i);
        lua_rawseti(L, -2, i + 1);
    }

    fl_input_view(L, fl_input_signal);
    fl_input_view(L, fl_input_index);
}


/*
 * LuaJIT has each string once, so two are the same if they are in the same
 * place: a field is found by its word's address.
 */

static unsigned
fl_word_place(const char *word)
{
    return (unsigned) ((uintptr_t) word / sizeof(void *) % FL_WORDS_SIZE);
}


static void
fl_word_add(fl_t *fl, const char *word, uint8_t number)
{
    unsigned  i;

    for (i = fl_word_place(word); fl->word[i] != NULL;
         i = (i + 1) % FL_WORDS_SIZE)
    {
        /* void */
    }

    fl->word[i] = word;
    fl->number[i] = number;
}


/* Beyond FL_FIELD_COUNT: there is no such word. */

static unsigned
fl_word_find(const fl_t *fl, const char *word)
{
    unsigned  i;

    for (i = fl_word_place(word); fl->word[i] != NULL;
         i = (i + 1) % FL_WORDS_SIZE)
    {
        if (fl->word[i] == word) {
            return fl->number[i];
        }
    }

    return FL_FIELD_COUNT + 1;
}


/* The value on top, an upvalue of index, is replaced by the view. */

static void
fl_input_view(lua_State *L, lua_CFunction index)
{
    int  is_outer = index == fl_input_index;

    lua_newtable(L);
    lua_newtable(L);

    if (is_outer) {
        /* The words, which only stay there by it, and the signals. */
        lua_pushvalue(L, -4);
        lua_pushvalue(L, -4);
        lua_pushcclosure(L, index, 2);

    } else {
        lua_pushcfunction(L, index);
    }

    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, fl_input_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -2);

    if (is_outer) {
        lua_replace(L, -3);
        lua_pop(L, 1);
    }
}


static int
fl_input_index(lua_State *L)
{
    fl_t        *fl = fl_of(L);
    unsigned     i;
    const char  *word;

    word = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
    i = fl_word_find(fl, word);

    if (i == FL_FIELD_COUNT) {
        lua_pushvalue(L, lua_upvalueindex(2));
        return 1;
    }

    if (i > FL_FIELD_COUNT) {
        return luaL_error(L, "an order has no field \"%s\"", word);
    }

    if ((fl_fields[i].hooks >> fl->hook & 1u) == 0) {
        return luaL_error(L, "%s has no field \"%s\"", fl_hook_word[fl->hook],
                          fl_fields[i].word);
    }

    /* Kept beyond its call o shows nothing. */
    if (fl->in == NULL) {
        lua_pushnil(L);
        return 1;
    }

    if (fl->in->type[i] == FL_NIL && fl->in->later != NULL) {
        fl->in->later(fl->in->data, (fl_field_t) i);
    }

    fl_value_push(L, fl->in->type[i], &fl->in->value[i]);
    return 1;
}


static void
fl_value_push(lua_State *L, uint8_t type, const fl_value_t *value)
{
    switch (type) {

    case FL_INT:
        lua_pushnumber(L, (lua_Number) value->number);
        break;

    case FL_BOOL:
        lua_pushboolean(L, value->number != 0);
        break;

    case FL_TEXT:
        lua_pushlstring(L, (const char *) value->text.data, value->text.size);
        break;

    default:
        lua_pushnil(L);
    }
}


static int
fl_input_signal(lua_State *L)
{
    fl_t        *fl = fl_of(L);
    size_t       size;
    int64_t      number;
    fk_str_t     name;
    const char  *text;

    text = luaL_checklstring(L, 2, &size);
    name.data = (const uint8_t *) text;
    name.size = size;

    if (fl->in != NULL && fl->in->signal != NULL
        && fl->in->signal(fl->in->data, name, &number))
    {
        lua_pushnumber(L, (lua_Number) number);

    } else {
        lua_pushnil(L);
    }

    return 1;
}


static int
fl_input_newindex(lua_State *L)
{
    return luaL_error(L, "an order's fields are not to be written to");
}
