package config

import (
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"domovoy/i18n"
)

// minimal is the smallest valid config.
const minimal = `state: ${STATE}
panels:
  - {name: isp1, database: /srv/ispmgr.db}
`

func TestDefaults(t *testing.T) {
	env := labEnv(t)
	cfg, faults := load("config.yaml", []byte(minimal), env)
	if faults != nil {
		t.Fatal(faults)
	}
	state, _ := env("STATE")
	want := &Config{
		Basics: Basics{Language: "en", Timezone: time.Local, State: state},
		Panels: []Panel{{Name: "isp1", Database: "/srv/ispmgr.db", DBConf: "/usr/local/mgr5/etc/ispmgr.conf.d/db.conf", Timezone: time.Local,
			ACME: ACME{Directory: "https://acme-v02.api.letsencrypt.org/directory", Logs: []string{"/usr/local/mgr5/var/ispmgr_acme_sh.log"}, Cap: 50}}},
		Diagnosis: Diagnosis{Probe: Probe{Workers: 200, HTTPPort: 80, HTTPSPort: 443, Timeout: 10 * time.Second, Attempts: 6, PerAddress: 50}},
		Senders:   Senders{Delivery: Delivery{SpareAfter: 5 * time.Minute}},
		Thresholds: Thresholds{
			Processing: Processing{Warn: 60, Critical: 100},
			Failed:     Failed{Critical: 50},
			Failing:    Failing{Critical: 21, Within: 4 * time.Hour, Times: 2},
			Overdue:    Overdue{Warn: 1, Critical: 20, LifeLeft: 7. / 90, Learn: true},
			Zombie:     180 * 24 * time.Hour,
		},
		Alerts: Alerts{Remind: 4 * time.Hour, ResolveAfter: 2, Storm: 0.1},
		Share:  Share{Days: 7},
	}
	if diff := cmp.Diff(want, cfg, options()...); diff != "" {
		t.Error(diff)
	}
	if got := schedules(cfg.Schedule); got != "*/5 * * * * · 0 */6 * * * · 0 9 * * * · 0 9 * * 1" {
		t.Error("schedule is", got)
	}
}

// TestDefaultIsOfAnEmptyFile keeps one source of defaults: what Default gives to
// the demo and to the tables of the READMEs is what a file without keys means.
func TestDefaultIsOfAnEmptyFile(t *testing.T) {
	cfg, faults := load("config.yaml", []byte(minimal), labEnv(t))
	if faults != nil {
		t.Fatal(faults)
	}
	want := Default[Config]()
	want.State, want.Timezone, want.Panels = cfg.State, cfg.Timezone, cfg.Panels // a file names these, or the system does
	if diff := cmp.Diff(&want, cfg, options()...); diff != "" {
		t.Error(diff)
	}
	for got, want := range map[string]string{
		fmt.Sprint(Default[Thresholds]()): fmt.Sprint(cfg.Thresholds), fmt.Sprint(Default[Alerts]()): fmt.Sprint(cfg.Alerts),
		fmt.Sprint(Default[ACME]()): fmt.Sprint(cfg.Panels[0].ACME), schedules(Default[Schedule]()): schedules(cfg.Schedule),
	} {
		if got != want {
			t.Errorf("the defaults are %s, those of an empty file %s", got, want)
		}
	}
}

func schedules(s Schedule) string {
	return s.Panel.String() + " · " + s.Domains.String() + " · " + s.Daily.String() + " · " + s.Weekly.String()
}

// options are for types that cmp cannot compare itself.
func options() []cmp.Option {
	return []cmp.Option{
		cmpopts.IgnoreUnexported(Config{}),
		cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}),
		cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() }),
		cmp.Comparer(func(a, b Secret) bool { return a.Reveal() == b.Reveal() && a.IsSet() == b.IsSet() }),
		cmpopts.IgnoreTypes(Cron{}),
	}
}

func TestWhereTheStateIs(t *testing.T) {
	for _, c := range []struct{ key, folders, want string }{
		{"", "", "/var/lib/domovoy/domovoy.db"},
		{"state: ''\n", "", "/var/lib/domovoy/domovoy.db"},
		{"", "/srv/state", "/srv/state/domovoy.db"},
		{"", "/srv/state:/srv/other", "/srv/state/domovoy.db"},
		{"", "relative", "/var/lib/domovoy/domovoy.db"},
		{"state: ${STATE}\n", "/srv/state", "/dev/shm/own.db"},
	} {
		env := environment(map[string]string{"STATE": "/dev/shm/own.db", "STATE_DIRECTORY": c.folders})
		// Whether this user could create the folder does not matter here.
		cfg, _ := readText("config.yaml", []byte(c.key+strings.TrimPrefix(minimal, "state: ${STATE}\n")), env)
		if cfg.State != c.want {
			t.Errorf("%q in %q: the state is %s, want %s", c.key, c.folders, cfg.State, c.want)
		}
	}
}

func TestOneKeyTakesFromAnother(t *testing.T) {
	cfg, faults := load("config.yaml", []byte(strings.Replace(minimal, "panels:", `
language: ru
timezone: Asia/Yekaterinburg
telegram: {token: "${TELEGRAM_TOKEN}"}
chats:
  - {to: "telegram:-100123/7"}
  - {to: "telegram:5", language: en, receives: []}
thresholds: {processing: {warn: , critical: 40}, failed: {warn: 0}}
panels:
  - {name: isp2, database: /srv/2.db, timezone: UTC, addresses: [10.0.0.1, "::1"]}`, 1)), labEnv(t))
	if faults != nil {
		t.Fatal(faults)
	}
	for got, want := range map[string]string{
		fmt.Sprint(cfg.Panels[0].Timezone, cfg.Panels[1].Timezone): "UTC Asia/Yekaterinburg",
		fmt.Sprint(cfg.Panels[0].Addresses):                        "[10.0.0.1 ::1]",
		fmt.Sprint(cfg.Chats[0]):                                   "{telegram:-100123/7 ru [alerts daily] viewer}",
		fmt.Sprint(cfg.Chats[1]):                                   "{telegram:5 en [] viewer}",
		// The default warning of 60 would come after the alert.
		fmt.Sprint(cfg.Thresholds.Processing, cfg.Thresholds.Failed): "{0 40} {0 50}",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if faults := cfg.CheckRun(); faults != nil {
		t.Error("CheckRun returns", faults)
	}
}

// TestLanguagesAreThoseOfTheCatalogs loads a config in each language, and finds
// no language key that lists its own words.
func TestLanguagesAreThoseOfTheCatalogs(t *testing.T) {
	for _, language := range i18n.Languages() {
		text := strings.ReplaceAll(minimal+`
language: LANG
telegram: {token: "${TELEGRAM_TOKEN}"}
chats: [{to: "telegram:5", language: LANG}]
reports: {managers: [{to: "telegram:5", language: LANG, owners: [a]}]}
`, "LANG", language)
		if _, faults := load("config.yaml", []byte(text), labEnv(t)); faults != nil {
			t.Error(faults.Render(locale(t, "en")))
		}
	}
	eachField(reflect.TypeFor[Config](), "", func(f field, path string) {
		if f.key == "language" && !slices.Equal(f.words, i18n.Languages()) {
			t.Errorf("%s takes %v, the catalogs are %v", path, f.words, i18n.Languages())
		}
	})
}

// TestEveryKeyIsDescribed wants a title of each key in each language, and no title of a
// key that is not there.
func TestEveryKeyIsDescribed(t *testing.T) {
	known := map[string]bool{}
	for _, language := range i18n.Languages() {
		l := locale(t, language)
		for _, k := range Keys() {
			title := k.Title(l)
			if title == "" || strings.Contains(title, "⟨") {
				t.Errorf("i18n/%s.toml does not say what %s is: %q", language, k.Path, title)
			}
			if language != "en" && title == k.Title(locale(t, "en")) && !strings.Contains(title, "slack:C0") && !strings.Contains(title, "slack:T0") { // sample addresses
				t.Errorf("i18n/%s.toml says in English what %s is", language, k.Path)
			}
			known[strings.ReplaceAll(k.Path, "[]", "")] = true
		}
		text, err := os.ReadFile("../../../i18n/" + language + ".toml")
		if err != nil {
			t.Fatal(err)
		}
		_, table, _ := strings.Cut(string(text), "\n[config.key]\n")
		table, _, _ = strings.Cut(table, "\n[")
		for _, found := range regexp.MustCompile(`(?m)^"(.+?)" = `).FindAllStringSubmatch(table, -1) {
			if !known[found[1]] {
				t.Errorf("i18n/%s.toml describes %s, which is no key", language, found[1])
			}
		}
	}
}

// TestFieldTable checks the struct tags. A default that its own kind refuses would
// silently be zero.
func TestFieldTable(t *testing.T) {
	eachField(reflect.TypeFor[Config](), "", func(f field, path string) {
		if f.table() != (f.sample != "") {
			t.Errorf("%s: tables, and only tables, have a sample key", path)
		}
		if f.is == "" || f.is == "secret" {
			return
		}
		k := kinds(f.is)
		if k.read == nil {
			t.Errorf("%s is %q, which is not a kind", path, f.is)
			return
		}
		for _, word := range defaults(f) {
			if _, p := k.read(f, scalar{raw: word, text: word}); p != nil {
				t.Errorf("%s: the default %q is refused: %s", path, word, p.key)
			}
		}
		if (f.least != "" || f.most != "") && f.is != "count" && f.is != "duration" {
			t.Errorf("%s has a min or a max, which the kind %s does not check", path, f.is)
		}
	})
}

func defaults(f field) []string {
	if f.list() {
		return strings.Fields(f.fallback)
	}
	if f.fallback == "" {
		return nil
	}
	return []string{f.fallback}
}

// eachField calls visit for every key of the file.
func eachField(section reflect.Type, path string, visit func(f field, path string)) {
	for _, f := range fieldsOf(section) {
		at := join(path, f.key)
		visit(f, at)
		switch {
		case f.section():
			eachField(f.typ, at, visit)
		case f.is == "":
			eachField(f.typ.Elem(), at+"[]", visit)
		}
	}
}
