package config

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"

	"domovoy/i18n"
)

var update = flag.Bool("update", false, "write what comes out as what is wanted")

// TestBrokenConfigs reads the broken configs in testdata. Each begins with the
// wanted faults, in English and without the name of the file.
func TestBrokenConfigs(t *testing.T) {
	env := labEnv(t)
	var russian strings.Builder
	for _, name := range brokenConfigs(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text := source(t, name)
			wants, body := header(text)
			faults := allFaults(name, []byte(text), env)
			if *update {
				text = strings.Repeat(want+"\n", len(faults)) + body
				faults = allFaults(name, []byte(text), env)
				write(t, name, want+strings.Join(rendered(t, "en", faults), "\n"+want)+"\n"+body)
				wants = rendered(t, "en", faults)
			}
			got := rendered(t, "en", faults)
			if len(got) == 0 {
				t.Error("no fault is found")
			}
			compare(t, got, wants)
			noSecrets(t, got)
			russian.WriteString("-- " + filepath.Base(name) + " --\n" + strings.Join(rendered(t, "ru", faults), "\n") + "\n")
		})
	}
	golden := filepath.Join("testdata", "russian.golden")
	if *update {
		write(t, golden, russian.String())
	}
	compare(t, strings.Split(russian.String(), "\n"), strings.Split(source(t, golden), "\n"))
}

// noSecrets fails on any part of a secret in testdata or in labEnv.
func noSecrets(t *testing.T, lines []string) {
	t.Helper()
	for _, line := range lines {
		for _, secret := range []string{"Fake", "fake", "pasted", "user:word", "1234-", "/tmp/"} {
			if strings.Contains(line, secret) {
				t.Errorf("%q shows in: %s", secret, line)
			}
		}
	}
}

const want = "# want: "

// allFaults returns the faults of Load; if there are none, those of CheckRun.
func allFaults(name string, text []byte, env Env) Faults {
	cfg, faults := load(name, text, env)
	if cfg != nil {
		return cfg.CheckRun()
	}
	return faults
}

// rendered returns the lines without the file's name.
func rendered(t *testing.T, language string, faults Faults) []string {
	t.Helper()
	lines := faults.Render(locale(t, language))
	for i, line := range lines {
		lines[i] = strings.TrimLeft(strings.TrimPrefix(line, faults[i].File), ": ")
	}
	return lines
}

// catalogs are read once: they are the same for all tests.
var catalogs = sync.OnceValues(i18n.Load)

func locale(t testing.TB, language string) *i18n.Locale {
	t.Helper()
	bundle, err := catalogs()
	if err != nil {
		t.Fatal(err)
	}
	return bundle.Locale(language, nil)
}

// header splits a test file into the wanted faults and the config.
func header(text string) (wants []string, body string) {
	for body = text; strings.HasPrefix(body, want); {
		line, rest, _ := strings.Cut(body, "\n")
		wants, body = append(wants, strings.TrimPrefix(line, want)), rest
	}
	return wants, body
}

func brokenConfigs(t testing.TB) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatal("no configs in testdata", err)
	}
	return names
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("line %d\n got %s\nwant %s", i+1, g, w)
		}
	}
}

// labEnv is an environment with a folder of secrets. Only the file named open is
// readable by others than its owner.
func labEnv(t testing.TB) Env {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"telegram": "123456:AAFakeFakeFakeFake\n", "slackbot": "xoxb-1-fake\n", "slackapp": "xapp-1-fake\r\n",
		"open": "123456:AAFakeFakeFakeFake", "empty": "\n",
		"hook": "https://example.com/?token=Fake\n", "hooksecret": "Fake-secret-of-2026\nFake-secret-of-2025\n", "short": "Fake\n",
		"enrolment": enrolment(t), "agentkey": testSeed,
	} {
		write(t, filepath.Join(folder, name), text)
	}
	if err := os.Chmod(filepath.Join(folder, "open"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	return environment(map[string]string{
		"SECRETS": folder, "STATE": filepath.Join(folder, "domovoy.db"),
		"TELEGRAM_TOKEN": "654321:BBFakeFakeFakeFake",
	})
}

func environment(variables map[string]string) Env {
	return func(name string) (string, bool) { value, ok := variables[name]; return value, ok }
}

func source(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestEveryProblemHasItsTexts finds the names in wrong("…") and withHint("…"), and
// those made from the field table and the messengers.
func TestEveryProblemHasItsTexts(t *testing.T) {
	said := map[string]bool{"config.trying": true}
	problem := func(name string) { said["config."+name], said["config.hint."+name] = true, true }
	for call, names := range calls(t) {
		for name := range names {
			switch {
			case call == "withHint":
				said["config.hint."+name] = true
			case name == "large" || name == "text": // always with another hint
				said["config."+name] = true
			default:
				problem(name)
			}
		}
	}
	for _, m := range messengers() {
		said["config."+m.name+".off"], said["config.hint."+m.name+".off"] = true, true
		said["config.hint.chat."+m.name], said["config.hint.person."+m.name] = true, true
		if len(m.credentials) > 1 {
			problem(m.name + ".half")
		}
	}
	for _, c := range allSecrets() {
		problem("secret." + c.shape)
	}
	for _, name := range []string{"truth", "count"} { // other kinds use their own names
		problem(name)
	}
	for _, message := range []string{"quoted text", "'\t'", "must be specified", "reserved character", "mapping value is not allowed", "value is not allowed", "?"} {
		problem("syntax." + syntaxProblem(message))
	}
	for _, language := range i18n.Languages() {
		l := locale(t, language)
		for key := range said {
			if !l.Has(key) {
				t.Errorf("i18n/%s.toml has no %s", language, key)
			}
		}
	}
}

// TestEveryMessengerIsNamed finds the titles and the hints with sample addresses
// that say nothing about one of the messengers.
func TestEveryMessengerIsNamed(t *testing.T) {
	titles := map[string]string{}
	eachField(reflect.TypeFor[Config](), "", func(f field, path string) {
		if f.is == "chat" || f.is == "person" {
			for _, language := range i18n.Languages() {
				titles[path+" in i18n/"+language+".toml"] = f.titleOf(path, f.key, locale(t, language))
			}
		}
	})
	if len(titles) < 3 {
		t.Fatal("only these take an address:", titles)
	}
	for _, language := range i18n.Languages() {
		for _, key := range []string{"config.hint.chat", "config.hint.person"} {
			titles[key+" in i18n/"+language+".toml"] = locale(t, language).Say(key)
		}
	}
	for _, m := range messengers() {
		if property(schemaOf(t), "")["properties"].(map[string]any)[m.name] == nil {
			t.Errorf("Messengers has no section %s", m.name)
		}
		for where, title := range titles {
			if !strings.Contains(title, m.name+":") {
				t.Errorf("%s names no address of %s: %q", where, m.name, title)
			}
		}
	}
}

// calls collects the literal first arguments of wrong and withHint.
func calls(t *testing.T) map[string]map[string]bool {
	t.Helper()
	found := map[string]map[string]bool{"wrong": {}, "withHint": {}}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			literal, ok := call.Args[0].(*ast.BasicLit)
			if text := called(call.Fun); ok && found[text] != nil {
				if value, err := strconv.Unquote(literal.Value); err == nil && !strings.HasSuffix(value, ".") {
					found[text][value] = true
				}
			}
			return true
		})
	}
	return found
}

func called(function ast.Expr) string {
	switch f := function.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}
