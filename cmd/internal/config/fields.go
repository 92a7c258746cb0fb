package config

import (
	"reflect"
	"strings"

	"domovoy/bot"
	"domovoy/i18n"
)

// field is a key of a section, as its struct tags describe it.
type field struct {
	key, is, shape string
	fallback       string   // the default as it would be written in the file; may be empty
	least, most    string   // bounds of a number or a duration; may be empty
	sample         string   // an example of a key of a table; empty for all else
	words          []string // the allowed words; empty: any text
	need           bool
	index          []int // for reflect.Value.FieldByIndex
	typ            reflect.Type
}

// fieldsOf returns the field table of a section. The fields of embedded structs
// are fields of the section itself.
func fieldsOf(section reflect.Type) []field {
	var all []field
	for i := range section.NumField() {
		f := section.Field(i)
		if f.Anonymous {
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				all = append(all, inner)
			}
			continue
		}
		key, ok := f.Tag.Lookup("key")
		if !ok {
			continue
		}
		all = append(all, field{
			key: key, is: f.Tag.Get("is"), shape: f.Tag.Get("shape"),
			fallback: f.Tag.Get("default"), least: f.Tag.Get("min"), most: f.Tag.Get("max"),
			sample: f.Tag.Get("sample"),
			words:  allowed(f.Tag.Get("enum")), need: f.Tag.Get("need") != "",
			index: f.Index, typ: f.Type,
		})
	}
	return all
}

// allowed returns the words of an enum tag. Languages and roles are defined
// elsewhere, so the tag only names them.
func allowed(enum string) []string {
	switch enum {
	case "languages":
		return i18n.Languages()
	case "roles":
		return []string{bot.Viewer.String(), bot.Operator.String(), bot.Admin.String()}
	}
	return strings.Fields(enum)
}

// keys are the field's keys in the file: a secret has two.
func (f field) keys() []string {
	if f.is == "secret" {
		return []string{f.key, f.file()}
	}
	return []string{f.key}
}

// file is the key that names the file of a secret.
func (f field) file() string { return f.key + "_file" }

// section reports whether the value is a section, with keys of its own.
func (f field) section() bool { return f.is == "" && f.typ.Kind() == reflect.Struct }

// list reports whether the value is a sequence of scalars or of sections.
func (f field) list() bool { return f.typ.Kind() == reflect.Slice }

// table reports whether the value is a section whose keys the user chooses.
func (f field) table() bool { return f.typ.Kind() == reflect.Map }

// set stores a value if the field's kind accepts it.
func (f field) set(v scalar, into reflect.Value) *problem {
	k := kinds(f.is)
	if v.form&k.takes == 0 {
		return f.wrongForm()
	}
	value, p := k.read(f, v)
	if p != nil {
		return p
	}
	into.Set(reflect.ValueOf(value).Convert(f.typeOfOne()))
	return nil
}

// wrongForm is the problem of a value of another form: a number instead of a
// text, a list instead of a number.
func (f field) wrongForm() *problem {
	if kinds(f.is).takes == letters && f.is != "duration" {
		return wrong("text", f.args(scalar{})).withHint(f.is)
	}
	return wrong(f.is, f.args(scalar{}))
}

// args are the arguments of every message about a value.
func (f field) args(v scalar) map[string]any {
	return map[string]any{"Value": printable(v.raw), "Known": f.words, "Least": f.least, "Most": f.most}
}

// typeOfOne is the type of a value, or of one item of a list or a table.
func (f field) typeOfOne() reflect.Type {
	if f.list() || f.table() {
		return f.typ.Elem()
	}
	return f.typ
}

// fill stores the default. Its errors are dropped: TestFieldTable reads every
// default.
func fill(f field, into reflect.Value) {
	if f.fallback == "" {
		return
	}
	set := func(text string, into reflect.Value) {
		_ = f.set(scalar{raw: text, text: text, form: kinds(f.is).takes}, into)
	}
	if !f.list() {
		set(f.fallback, into)
		return
	}
	words := strings.Fields(f.fallback)
	into.Set(reflect.MakeSlice(f.typ, len(words), len(words)))
	for i, word := range words {
		set(word, into.Index(i))
	}
}
