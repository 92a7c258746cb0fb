package i18n

import (
	"maps"
	"strings"
	"time"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
)

// Args are the named values of a text. The package comment says how each
// type comes out.
type Args map[string]any

// Locale is a language with a time zone. Many goroutines may use it at once.
type Locale struct {
	catalog *catalog
	zone    *time.Location
}

// Language is the name of the language: "en", "ru".
func (l *Locale) Language() string { return l.catalog.language }

// Has reports whether the language has a text for the key.
func (l *Locale) Has(key string) bool { return l.catalog.messages[key] != nil }

// Say gives the text of the key. A key that is not there gives "⟨key⟩", so
// that the fault is seen and reported, in a message that still arrives.
func (l *Locale) Say(key string, args ...Args) string {
	return l.localize(key, &goi18n.LocalizeConfig{
		MessageID:      key,
		TemplateData:   l.words(args),
		TemplateParser: textParser{},
	})
}

// Count is Say in the plural form that the language gives to n. In the text,
// {{.N}} is n with its digits grouped.
func (l *Locale) Count(key string, n int, args ...Args) string {
	words := l.words(args)
	words["N"] = l.Number(n)
	return l.localize(key, &goi18n.LocalizeConfig{
		MessageID:      key,
		TemplateData:   words,
		PluralCount:    n,
		TemplateParser: textParser{},
	})
}

func (l *Locale) localize(key string, c *goi18n.LocalizeConfig) string {
	// go-i18n would answer in English for a key that only English has.
	if !l.Has(key) {
		return missing(key)
	}
	// An error beside a text means that the form was absent and "other" was
	// taken: right for the texts that say every number alike.
	text, err := l.catalog.localizer.Localize(c)
	if err != nil && text == "" {
		return missing(key)
	}
	return text
}

// missing marks the place of what is not there.
func missing(name string) string { return "⟨" + name + "⟩" }

// List joins the items as prose does: "a, b and c".
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

// words turns arguments into what a template prints, leaving the caller's
// maps alone. A nil value counts as forgotten.
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
