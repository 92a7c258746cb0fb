package i18n

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// pluralForms are CLDR's plural forms of each language for whole numbers;
// Russian "other" is for fractions.
var pluralForms = map[string][]string{
	"en": {"one", "other"},
	"ru": {"few", "many", "one", "other"},
}

func load(tb testing.TB) *Bundle {
	tb.Helper()
	b, err := Load()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// keys lists a catalog's keys in order.
func (c *catalog) keys() []string { return slices.Sorted(maps.Keys(c.messages)) }

// each calls visit for every message of every language in a readable order.
func (b *Bundle) each(visit func(c *catalog, key string, m *entry)) {
	for _, language := range b.Languages() {
		c := b.catalogs[language]()
		for _, key := range c.keys() {
			visit(c, key, c.messages[key])
		}
	}
}

func TestLanguages(t *testing.T) {
	b := load(t)
	known := slices.Sorted(maps.Keys(pluralForms))
	names, err := filepath.Glob("*.toml")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		names[i] = strings.TrimSuffix(name, ".toml")
	}
	if !slices.Equal(names, known) || !slices.Equal(b.Languages(), known) || !slices.Equal(Languages(), known) {
		t.Errorf("the directory has %v, the bundle %v, the program %v, the tests %v", names, b.Languages(), Languages(), known)
	}
	for asked, want := range map[string]string{
		"ru": "ru", "ru-RU": "ru", "RU_ru": "ru", "en": "en", "en-GB": "en", "eo": "en", "": "en",
	} {
		if got := b.Locale(asked, nil).Language(); got != want {
			t.Errorf("Locale(%q) speaks %s, want %s", asked, got, want)
		}
	}
}

func TestTerminalLanguage(t *testing.T) {
	for variables, want := range map[[3]string]string{ // LC_ALL, LC_MESSAGES, LANG
		{"", "", ""}: "en", {"", "", "ru_RU.UTF-8"}: "ru", {"", "ru", "en_US.UTF-8"}: "ru", {"en_US", "ru_RU", "ru_RU"}: "en",
		{"C", "", "ru_RU.UTF-8"}: "en", {"", "eo.UTF-8", "ru_RU"}: "en", {"ru_RU.KOI8-R", "C", "C"}: "ru",
	} {
		env := map[string]string{"LC_ALL": variables[0], "LC_MESSAGES": variables[1], "LANG": variables[2]}
		got := TerminalLanguage(func(name string) (string, bool) { value, ok := env[name]; return value, ok })
		if got != want {
			t.Errorf("a terminal with %q speaks %s, want %s", variables, got, want)
		}
	}
}

func TestSameKeysInEveryLanguage(t *testing.T) {
	b := load(t)
	b.each(func(c *catalog, key string, _ *entry) {
		for _, other := range b.Languages() {
			if b.catalogs[other]().messages[key] == nil {
				t.Errorf("i18n/%s.toml: key %s is missing, %s.toml has it", other, key, c.language)
			}
		}
	})
}

func TestPluralFormsAreComplete(t *testing.T) {
	b := load(t)
	counted := map[string]bool{}
	b.each(func(_ *catalog, key string, m *entry) {
		counted[key] = counted[key] || len(m.sources()) > 1
	})
	b.each(func(c *catalog, key string, m *entry) {
		want := []string{"other"}
		if counted[key] {
			want = pluralForms[c.language]
		}
		if got := slices.Sorted(maps.Keys(m.sources())); !slices.Equal(got, want) {
			t.Errorf("i18n/%s.toml: key %s has the forms %v, want %v", c.language, key, got, want)
		}
	})
}

func TestSameFieldsInEveryForm(t *testing.T) {
	b := load(t)
	wanted := map[string][]string{} // by key: the fields of English "other"
	b.each(func(c *catalog, key string, m *entry) {
		for form, source := range m.sources() {
			parsed, err := parseText(source)
			if err != nil {
				t.Fatalf("i18n/%s.toml: key %s: %v", c.language, key, err)
			}
			if _, ok := wanted[key]; !ok {
				other, err := parseText(m.other.source)
				if err != nil {
					t.Fatalf("i18n/%s.toml: key %s: %v", c.language, key, err)
				}
				wanted[key] = other.fields
			}
			if !slices.Equal(parsed.fields, wanted[key]) {
				t.Errorf("i18n/%s.toml: key %s, form %s uses %v, elsewhere %v", c.language, key, form, parsed.fields, wanted[key])
			}
		}
	})
}

// rendered calls visit with every form of every message, filled in.
func rendered(t *testing.T, visit func(where, key, language, said string)) {
	t.Helper()
	b := load(t)
	b.each(func(c *catalog, key string, m *entry) {
		l, sample := b.Locale(c.language, nil), Args{}
		for _, source := range m.sources() {
			parsed, err := parseText(source)
			if err != nil {
				t.Fatalf("i18n/%s.toml: key %s: %v", c.language, key, err)
			}
			for _, field := range parsed.fields {
				sample[field] = "client.example"
			}
		}
		where := fmt.Sprintf("i18n/%s.toml: key %s", c.language, key)
		if len(m.sources()) == 1 {
			visit(where, key, c.language, l.Say(key, sample))
			return
		}
		for _, n := range []int{0, 1, 2, 5, 21, 1000} {
			visit(fmt.Sprintf("%s, of %d", where, n), key, c.language, l.Count(key, n, sample))
		}
	})
}

// shout is an exclamation mark after a word; alone it is a sign of YAML.
var shout = regexp.MustCompile(`[^\s"'«“,]!`)

// gap sets the owner of a next step apart from the step.
const gap = "   "

func TestEveryTextComesOut(t *testing.T) {
	rendered(t, func(where, key, language, said string) {
		switch {
		case strings.TrimSpace(said) == "":
			t.Errorf("%s says nothing", where)
		case strings.ContainsAny(said, "⟨⟩") || strings.Contains(said, "<no value>"):
			t.Errorf("%s has a hole: %q", where, said)
		case shout.MatchString(said):
			t.Errorf("%s shouts: %q", where, said)
		case strings.Contains(strings.ReplaceAll(said, gap, " "), "  "):
			t.Errorf("%s has two spaces together: %q", where, said)
		case strings.TrimSpace(said) != said:
			t.Errorf("%s begins or ends with a space: %q", where, said)
		}
	})
}

// An apostrophe is that of print; no text has a sample of code that would need
// the one of the keyboard.
func TestApostrophes(t *testing.T) {
	rendered(t, func(where, _, _, said string) {
		if strings.Contains(said, "'") {
			t.Errorf("%s has the apostrophe of the keyboard, want ’: %q", where, said)
		}
	})
}

// sameInEveryLanguage are keys whose Russian text has no Cyrillic letter.
var sameInEveryLanguage = []string{"who.ca", "cause.count", "metric.value", "date.day", "date.year", "cli.config.next", "files.format.day", "files.format.moment",
	"delivery.lasted", "chart.title.now", "delivery.reason", "messenger.slack", "messenger.telegram"}

func TestRussianIsRussian(t *testing.T) {
	rendered(t, func(where, key, language, said string) {
		cyrillic := strings.ContainsFunc(said, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) })
		switch {
		case language == "en" && cyrillic:
			t.Errorf("%s has Cyrillic letters: %q", where, said)
		case language == "ru" && !cyrillic && !slices.Contains(sameInEveryLanguage, key):
			t.Errorf("%s has no Cyrillic letter: %q", where, said)
		}
	})
}

// TestManners checks that the three texts of a code fit the places where they are shown.
func TestManners(t *testing.T) {
	// Abbreviations and the like may begin a title.
	proper := regexp.MustCompile(`^(УЦ|DNS|CAA?|TLS|IPv6|HTTP|Let’s)`)
	small := func(s string) bool { return proper.MatchString(s) || unicode.IsLower([]rune(s)[0]) }
	rendered(t, func(where, key, _, said string) {
		if !strings.HasPrefix(key, "code.") {
			return
		}
		switch {
		case strings.HasSuffix(key, ".title") && (!small(said) || strings.HasSuffix(said, ".")):
			t.Errorf("%s: a title has a small first letter and no full stop: %q", where, said)
		case strings.HasSuffix(key, ".next") && (!small(said) || !strings.HasSuffix(said, ".")):
			t.Errorf("%s: a next step has a small first letter and a full stop: %q", where, said)
		case strings.HasSuffix(key, ".explain") && (small(said) && !proper.MatchString(said) || !strings.HasSuffix(said, ".")):
			t.Errorf("%s: an explanation is made of sentences: %q", where, said)
		}
	})
}
