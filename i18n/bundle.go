package i18n

import (
	"cmp"
	_ "embed" // the catalogs
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// The catalogs. As strings they stay in the program's file: an embed.FS would copy
// them to the heap.
var (
	//go:embed en.toml
	english string
	//go:embed ru.toml
	russian string
)

// builtIn returns the catalogs built into the program by language. A test compares
// them with the files of this directory.
func builtIn() map[string]string { return map[string]string{"en": english, "ru": russian} }

// fallback is used in place of an unknown language.
const fallback = "en"

// Bundle has the texts of all languages built into the program. It is safe for
// concurrent use.
type Bundle struct {
	catalogs map[string]func() *catalog // each is read when it is first needed
}

// Languages lists the languages built into the program, in alphabetical order.
func Languages() []string { return slices.Sorted(maps.Keys(builtIn())) }

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

// Load returns the languages built into the program. It reads a language when it is
// first needed, because most commands need one of them, and panics then if the
// catalog is broken, which tests rule out.
func Load() (*Bundle, error) {
	bundle := &Bundle{catalogs: map[string]func() *catalog{}}
	for language, source := range builtIn() {
		bundle.catalogs[language] = sync.OnceValue(func() *catalog {
			c, err := newCatalog(language, source)
			if err != nil {
				panic(fmt.Errorf("reading the catalog of the language %s: %w", language, err))
			}
			return c
		})
	}
	return bundle, nil
}

// LoadFS returns the languages of a folder: its files *.toml. It fails if a file or
// the template of a text cannot be parsed, and if a key is there twice.
func LoadFS(folder fs.FS) (*Bundle, error) {
	names, err := fs.Glob(folder, "*.toml")
	if err != nil {
		return nil, fmt.Errorf("listing the catalogs: %w", err)
	}
	bundle := &Bundle{catalogs: map[string]func() *catalog{}}
	for _, name := range names {
		source, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, fmt.Errorf("reading a catalog: %w", err)
		}
		language := strings.TrimSuffix(name, ".toml")
		c, err := newCatalog(language, string(source))
		if err == nil {
			err = c.check()
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		bundle.catalogs[language] = func() *catalog { return c }
	}
	return bundle, nil
}

// Languages lists the languages of the bundle in alphabetical order.
func (b *Bundle) Languages() []string { return slices.Sorted(maps.Keys(b.catalogs)) }

// Locale returns a language, such as "ru" or "ru-RU", with a time zone. It is English
// for an unknown language, and in UTC for a nil zone.
func (b *Bundle) Locale(language string, zone *time.Location) *Locale {
	base, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(language), "_", "-"), "-")
	c, ok := b.catalogs[base]
	if !ok {
		c = b.catalogs[fallback]
	}
	return &Locale{catalog: c(), zone: cmp.Or(zone, time.UTC)}
}
