package i18n

import (
	"fmt"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// catalog has the texts of one language.
type catalog struct {
	language string
	messages map[string]*entry // by key
	tag      language.Tag
	printer  *message.Printer
}

// entry is what a catalog has for a key.
type entry struct {
	other text                  // for any number, and without one
	forms map[plural.Form]*text // for some numbers; nil if the text is the same for all
}

// formNames are CLDR's names of the plural forms, as catalogs have them.
var formNames = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two,
	"few": plural.Few, "many": plural.Many, "other": plural.Other,
}

func newCatalog(name, source string) (*catalog, error) {
	tag, err := language.Parse(name)
	if err != nil {
		return nil, fmt.Errorf("%q is no language: %w", name, err)
	}
	c := &catalog{language: name, messages: make(map[string]*entry, 2000), tag: tag, printer: message.NewPrinter(tag)}
	return c, readTOML(source, c.add)
}

// add adds a text whose key is the last word of a table's key or, in a table of
// plural forms, the name of the form.
func (c *catalog) add(table, word, source string) error {
	key, form := table+"."+word, plural.Other
	if f, ok := formNames[word]; ok {
		key, form = table, f
	} else if table == "" {
		key = word
	}
	e := c.messages[key]
	if e == nil {
		e = &entry{}
		c.messages[key] = e
	}
	t := &e.other
	if form != plural.Other {
		if e.forms == nil {
			e.forms = map[plural.Form]*text{}
		}
		if e.forms[form] == nil {
			e.forms[form] = &text{}
		}
		t = e.forms[form]
	}
	if t.source != "" {
		return fmt.Errorf("key %s is there twice", key)
	}
	t.source = source
	return nil
}

// sources returns the texts of an entry by the names of their plural forms.
func (e *entry) sources() map[string]string {
	all := map[string]string{}
	for name, form := range formNames {
		if t := e.form(form); t != nil && t.source != "" {
			all[name] = t.source
		}
	}
	return all
}

// form is the text of exactly this form; nil if there is none.
func (e *entry) form(f plural.Form) *text {
	if f == plural.Other {
		return &e.other
	}
	return e.forms[f]
}

// count is the text for a number.
func (e *entry) count(c *catalog, n int) *text {
	// Only the last digits decide, and the library takes a small number.
	last := max(n, -n) % 10_000_000
	if t := e.forms[plural.Cardinal.MatchPlural(c.tag, last, 0, 0, 0, 0)]; t != nil {
		return t
	}
	return &e.other
}

// check parses every text.
func (c *catalog) check() error {
	for key, e := range c.messages {
		for form, source := range e.sources() {
			if _, err := parseText(source); err != nil {
				return fmt.Errorf("key %s, form %s: %w", key, form, err)
			}
		}
	}
	return nil
}
