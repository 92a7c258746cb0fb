package config

import (
	"reflect"
	"strings"

	"domovoy/i18n"
)

// Key is a key of the file, for a description of all of them.
type Key struct {
	Path     string // thresholds.failed.critical; of an item of a list panels[].name
	Default  string // as it would be written in the file; empty: none
	Words    []string
	Required bool
	Section  bool // it has keys of its own, which follow
	field    field
	name     string // of a secret token or token_file
}

// Title says what the key is.
func (k Key) Title(l *i18n.Locale) string { return k.field.titleOf(k.Path, k.name, l) }

// titleOf says what the key of a field is, which is at a path; a secret has two.
func (f field) titleOf(path, name string, l *i18n.Locale) string {
	path = strings.ReplaceAll(strings.TrimSuffix(path, name)+f.key, "[]", "")
	title := l.Say("config.key." + path)
	switch {
	case f.is != "secret":
		return title
	case name == f.key:
		return l.Say("config.secret.environment", i18n.Args{"Title": title})
	}
	return l.Say("config.secret.file", i18n.Args{"Title": title})
}

// Keys returns all keys in the order of the sections, those of a secret as two.
func Keys() []Key { return keysOf(reflect.TypeFor[Config](), "") }

func keysOf(section reflect.Type, around string) []Key {
	var all []Key
	for _, f := range fieldsOf(section) {
		for _, name := range f.keys() {
			path := join(around, name)
			k := Key{Path: path, field: f, name: name, Default: f.fallback, Words: f.words, Required: f.need, Section: f.is == ""}
			all = append(all, k)
		}
		inner := f.typ
		if f.list() || f.table() {
			inner = f.typ.Elem()
		}
		if f.is == "" {
			path := join(around, f.key)
			if f.list() {
				path += "[]"
			}
			all = append(all, keysOf(inner, path)...)
		}
	}
	return all
}
