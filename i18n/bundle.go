package i18n

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed *.toml
var files embed.FS

// fallback is used in place of an unknown language.
const fallback = "en"

// Bundle has the texts of all languages built into the program. It is safe for
// concurrent use.
type Bundle struct {
	catalogs map[string]*catalog
}

// catalog has the texts of one language.
type catalog struct {
	language  string
	messages  map[string]*goi18n.Message
	localizer *goi18n.Localizer
	printer   *message.Printer
}

// Languages lists the languages built into the program, in alphabetical order.
// They are the catalogs beside this file.
func Languages() []string { return languages(files) }

// languages are the catalogs of a folder.
func languages(folder fs.FS) []string {
	names, _ := fs.Glob(folder, "*.toml") // sorted; the pattern is well formed
	for i, name := range names {
		names[i] = strings.TrimSuffix(name, ".toml")
	}
	return names
}

// TerminalLanguage returns the language that the environment variables of POSIX
// locales select (Base Definitions, section 8.2), or English if there is no catalog
// of it. env looks a variable up, like os.LookupEnv.
func TerminalLanguage(env func(name string) (string, bool)) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		value, _ := env(name)
		if value == "" {
			continue
		}
		for _, language := range Languages() {
			if strings.HasPrefix(value, language) { // ru_RU.UTF-8
				return language
			}
		}
		break
	}
	return fallback
}

// Load returns the languages built into the program.
func Load() (*Bundle, error) { return LoadFS(files) }

// LoadFS returns the languages of a folder. It fails if a file or the template of a
// text cannot be parsed, and if a key is there twice.
func LoadFS(folder fs.FS) (*Bundle, error) {
	bundle := &Bundle{catalogs: map[string]*catalog{}}
	texts := goi18n.NewBundle(language.Make(fallback))
	texts.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	for _, language := range languages(folder) {
		name := language + ".toml"
		file, err := texts.LoadMessageFileFS(folder, name)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		c, err := newCatalog(texts, file)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		bundle.catalogs[c.language] = c
	}
	return bundle, nil
}

func newCatalog(texts *goi18n.Bundle, file *goi18n.MessageFile) (*catalog, error) {
	c := &catalog{
		language:  file.Tag.String(),
		messages:  make(map[string]*goi18n.Message, len(file.Messages)),
		localizer: goi18n.NewLocalizer(texts, file.Tag.String()),
		printer:   message.NewPrinter(file.Tag),
	}
	for _, m := range file.Messages {
		if c.messages[m.ID] != nil {
			return nil, fmt.Errorf("key %s is there twice", m.ID)
		}
		for form, text := range forms(m) {
			if _, err := parseText(text); err != nil {
				return nil, fmt.Errorf("key %s, form %s: %w", m.ID, form, err)
			}
		}
		c.messages[m.ID] = m
	}
	return c, nil
}

// forms returns the plural forms of a text by their CLDR names.
func forms(m *goi18n.Message) map[string]string {
	all := map[string]string{
		"zero": m.Zero, "one": m.One, "two": m.Two,
		"few": m.Few, "many": m.Many, "other": m.Other,
	}
	for form, text := range all {
		if text == "" {
			delete(all, form)
		}
	}
	return all
}

// Languages lists the languages of the bundle in alphabetical order.
func (b *Bundle) Languages() []string {
	languages := make([]string, 0, len(b.catalogs))
	for name := range b.catalogs {
		languages = append(languages, name)
	}
	slices.Sort(languages)
	return languages
}

// Locale returns a language, such as "ru" or "ru-RU", with a time zone. It is English
// for an unknown language, and in UTC for a nil zone.
func (b *Bundle) Locale(language string, zone *time.Location) *Locale {
	base, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(language), "_", "-"), "-")
	c := b.catalogs[base]
	if c == nil {
		c = b.catalogs[fallback]
	}
	return &Locale{catalog: c, zone: cmp.Or(zone, time.UTC)}
}
