package i18n

import (
	"maps"
	"strings"
	"time"
)

// Args are the named arguments of a text. The package comment says how each type is
// formatted.
type Args map[string]any

// Locale is a language with a time zone. It is safe for concurrent use.
type Locale struct {
	catalog *catalog
	zone    *time.Location
}

// Language is the name of the language, such as "en" or "ru".
func (l *Locale) Language() string { return l.catalog.language }

// Has reports whether the language has a text for the key.
func (l *Locale) Has(key string) bool { return l.catalog.messages[key] != nil }

// Say returns the text of a key. For an unknown key it returns "⟨key⟩", so that the
// message can still be sent and the bug is noticed.
func (l *Locale) Say(key string, args ...Args) string {
	e := l.catalog.messages[key]
	if e == nil {
		return missing(key)
	}
	return l.fill(key, &e.other, args, nil)
}

// Count is Say in the plural form for n. In the text, {{.N}} is n with its digits
// grouped.
func (l *Locale) Count(key string, n int, args ...Args) string {
	e := l.catalog.messages[key]
	if e == nil {
		return missing(key)
	}
	return l.fill(key, e.count(l.catalog, n), args, &n)
}

// fill returns the text of a key with its arguments, and with n as N if it is not
// nil.
func (l *Locale) fill(key string, t *text, args []Args, n *int) string {
	if !hasArguments(t.source) {
		return t.source
	}
	words := l.words(args)
	if n != nil {
		words["N"] = l.Number(*n)
	}
	said, err := t.execute(words)
	if err != nil {
		return missing(key)
	}
	return said
}

// missing is shown in place of a missing text or argument.
func missing(name string) string { return "⟨" + name + "⟩" }

// List joins items as in a sentence: "a, b and c".
func (l *Locale) List(items []string) string {
	switch last := len(items) - 1; last {
	case -1:
		return ""
	case 0:
		return items[0]
	default:
		return l.Say("list.and", Args{"Items": strings.Join(items[:last], ", "), "Last": items[last]})
	}
}

// words returns the arguments as a template prints them, in a new map. A nil value is a
// missing argument.
func (l *Locale) words(args []Args) map[string]any {
	words := make(map[string]any, 4)
	for _, a := range args {
		maps.Copy(words, a)
	}
	for name, value := range words {
		switch v := value.(type) {
		case nil:
			delete(words, name)
		case string, bool:
		case int:
			words[name] = l.Number(v)
		case int64:
			words[name] = l.Number(int(v))
		case float64:
			words[name] = l.decimal(v)
		case time.Duration:
			words[name] = l.Age(v)
		case time.Time:
			words[name] = l.moment(v)
		case []string:
			words[name] = l.List(v)
		}
	}
	return words
}
