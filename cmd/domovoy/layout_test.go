package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowed says which packages of ours a package may import. A pattern ending in
// /* matches every package below. Tests may import anything except packages
// above them.
var allowed = map[string][]string{
	"checks":                     {},
	"checks/ispmanager":          {"checks", "checks/ispmanager/location", "checks/pace"},
	"checks/panel":               {"checks"},
	"checks/cert":                {"checks", "checks/pace"},
	"checks/acme":                {"checks"},
	"checks/acme/account":        {"checks"},
	"checks/dns":                 {"checks", "checks/pace"},
	"checks/budget":              {"checks"},
	"checks/pace":                {},
	"checks/quorum":              {"checks"},
	"checks/guard":               {},
	"checks/web":                 {"checks", "checks/guard", "checks/pace"},
	"checks/registry":            {"checks", "checks/pace"},
	"checks/suite":               {"checks", "checks/*"},
	"checks/lab":                 {},
	"checks/lab/boulder":         {},
	"checks/lab/internet":        {},
	"i18n":                       {},
	"reports":                    {"checks"},
	"reports/compose":            {"checks", "checks/quorum", "reports", "i18n"},
	"reports/files":              {"checks", "reports", "reports/compose", "i18n"},
	"reports/journal":            {"checks", "reports", "reports/journal/wording"},
	"bot":                        {"reports", "reports/compose", "i18n"},
	"bot/people":                 {"bot", "reports/journal", "i18n"},
	"bot/internal/work":          {"bot", "checks/pace", "reports/journal"},
	"bot/watch":                  {"checks", "checks/*", "reports", "reports/journal"},
	"bot/probe":                  {"bot", "bot/internal/work", "bot/watch", "checks", "checks/*", "reports", "reports/journal", "i18n"},
	"bot/vantage":                {"bot/watch", "checks", "checks/quorum"},
	"bot/registrations":          {"bot/watch", "checks", "checks/registry"},
	"bot/state":                  {"bot", "bot/people", "checks/pace", "reports", "reports/compose", "reports/journal"},
	"bot/alerts":                 {"bot", "bot/people", "bot/probe", "bot/watch", "checks", "checks/*", "reports", "reports/compose", "reports/journal", "i18n"},
	"bot/task":                   {"bot", "bot/internal/work", "bot/people", "checks/guard", "checks/pace", "reports", "reports/compose", "reports/journal", "i18n"},
	"bot/canary":                 {"bot", "bot/alerts", "bot/people", "checks/pace", "reports", "reports/compose", "reports/journal"},
	"bot/cancel":                 {"bot", "bot/internal/work", "bot/task", "bot/watch", "checks", "checks/*", "reports", "reports/compose", "reports/journal", "i18n"},
	"bot/digest":                 {"bot", "bot/people", "bot/watch", "checks", "checks/budget", "reports", "reports/compose", "reports/files", "reports/journal", "i18n"},
	"bot/jobs":                   {"bot/internal/work", "checks/guard", "checks/pace", "reports/journal"},
	"bot/outbox":                 {"bot", "bot/internal/work", "checks/guard", "checks/pace", "reports", "reports/compose", "reports/journal", "i18n"},
	"bot/metrics":                {"bot", "bot/watch", "checks", "checks/pace", "reports", "reports/journal"},
	"bot/commands":               {"bot", "bot/alerts", "bot/canary", "bot/cancel", "bot/digest", "bot/people", "bot/probe", "bot/share", "bot/task", "bot/watch", "checks", "checks/*", "reports", "reports/compose", "reports/files", "reports/journal", "i18n"},
	"bot/share":                  {"reports/journal"},
	"bot/inbox":                  {"bot", "bot/commands", "bot/internal/work", "bot/people", "checks/guard", "checks/pace", "reports", "reports/journal"},
	"bot/engine":                 {"bot", "bot/alerts", "bot/canary", "bot/cancel", "bot/commands", "bot/digest", "bot/inbox", "bot/jobs", "bot/metrics", "bot/outbox", "bot/people", "bot/probe", "bot/registrations", "bot/share", "bot/state", "bot/task", "bot/watch", "checks/guard", "checks/pace", "checks/registry", "reports", "reports/compose", "reports/journal", "i18n"},
	"bot/engine/enginetest":      {"bot", "bot/engine", "bot/watch", "checks", "checks/*", "checks/lab", "reports", "reports/journal", "i18n"},
	"bot/fleet/trust":            {"bot/fleet"},
	"bot/fleet/hub":              {"bot/fleet", "bot/fleet/trust"},
	"bot/fleet/lease":            {"bot/fleet"},
	"bot/fleet/lookout":          {"bot/fleet", "bot/vantage", "checks", "checks/pace"},
	"bot/fleet":                  {"checks", "checks/acme/account", "checks/cert"},
	"bot/fleet/agent":            {"bot/fleet", "bot/watch", "checks", "checks/*"},
	"bot/fleet/remote":           {"bot/fleet", "bot/watch", "checks", "checks/*", "reports/journal"},
	"bot/console":                {"bot", "reports", "i18n"},
	"bot/slack":                  {"bot", "checks/pace", "reports", "i18n"},
	"bot/telegram":               {"bot", "checks/pace", "reports", "i18n"},
	"bot/plain":                  {"reports", "i18n"},
	"bot/webhook":                {"bot", "bot/plain", "checks", "reports", "i18n"},
	"bot/mail":                   {"bot", "bot/plain", "reports", "i18n"},
	"bot/lab":                    {},
	"cmd":                        {},
	"cmd/internal/manual":        {"cmd", "bot", "bot/fleet", "reports", "checks"},
	"cmd/internal/netns":         {}, // for tests
	"cmd/internal/unit":          {},
	"cmd/internal/config":        {"bot", "bot/fleet", "checks/ispmanager/location", "i18n"},
	"cmd/internal/app":           {"checks", "checks/*", "reports", "reports/compose", "reports/journal", "bot", "bot/*", "cmd/internal/config", "cmd/internal/hubs", "i18n"},
	"cmd/internal/hubs":          {"reports", "bot/commands", "bot/fleet", "bot/fleet/trust", "cmd/internal/config", "i18n"},
	"cmd/internal/hubs/hubstest": {}, // for tests
	"cmd/internal/pair":          {"bot/fleet", "bot/fleet/lease", "bot/metrics", "checks/pace", "cmd/internal/app", "cmd/internal/config", "cmd/internal/hubs", "reports/compose"},
	"cmd/internal/setup":         {"bot", "bot/console", "bot/fleet", "bot/slack", "bot/telegram", "checks/ispmanager", "checks/ispmanager/location", "cmd/internal/app", "cmd/internal/config", "cmd/internal/unit", "reports", "i18n"},
	"cmd/domovoy":                {"bot/console", "bot/fleet", "checks", "cmd/internal/*", "i18n", "reports/compose"},
	"cmd/domovoy-hub":            {"bot/fleet/hub"},
	"cmd/demo":                   {"bot", "bot/console", "checks", "checks/acme", "checks/budget", "checks/cert", "checks/lab", "checks/lab/boulder", "checks/lab/internet", "cmd/internal/*", "reports", "reports/journal", "i18n"},

	"checks/ispmanager/location": {},
	"reports/journal/wording":    {},
}

// foreign says which packages may import a library.
var foreign = map[string][]string{
	"github.com/go-jose/":              {"checks/acme/account", "checks/lab/boulder"},
	"github.com/go-telegram-bot-api/":  {"bot/telegram"},
	"github.com/slack-go/":             {"bot/slack"},
	"github.com/wneessen/":             {"bot/mail"},
	"database/sql":                     {"bot/fleet/agent", "bot/engine/enginetest", "checks/ispmanager", "checks/lab", "reports/journal"},
	"github.com/go-sql-driver/":        {"checks/ispmanager", "checks/lab"},
	"modernc.org/":                     {"bot/fleet/agent", "checks/ispmanager", "checks/lab", "reports/journal"},
	"github.com/nats-io/nats-server/":  {"bot/fleet/hub", "bot/fleet/remote"}, // only in the program domovoy-hub
	"github.com/nats-io/nats.go":       {"bot/fleet", "bot/fleet/agent", "bot/fleet/hub", "bot/fleet/lease", "bot/fleet/lookout", "bot/fleet/remote", "cmd/internal/app", "cmd/internal/hubs", "cmd/internal/pair"},
	"github.com/nats-io/nats.go/":      {"bot/fleet", "bot/fleet/agent", "bot/fleet/hub", "bot/fleet/lease", "bot/fleet/lookout", "bot/fleet/remote", "cmd/internal/hubs"},
	"github.com/nats-io/nkeys":         {"bot/fleet", "bot/fleet/hub"},
	"flag":                             {"cmd/demo", "cmd/domovoy-hub"},
	"github.com/spf13/":                {"cmd/domovoy"},
	"github.com/yuin/":                 {"cmd/internal/manual"},
	"github.com/google/jsonschema-go/": {"cmd/internal/app"},
	"github.com/prometheus/":           {"bot/metrics"},
	"github.com/xuri/":                 {"reports/files"},
	"golang.org/x/net/publicsuffix":    {"checks", "checks/lab/boulder"}, // the program has one public suffix list
	"gonum.org/":                       {"reports/files"},
	"gonum.org/v1/plot":                {}, // parses twelve fonts at every start of the process; its vg package does not
	"gonum.org/v1/plot/plotter":        {}, // imports it
	"codeberg.org/go-fonts/":           {"reports/files"},
	"unsafe":                           {},
}

// TestArrowsPointDown checks the four layers: nothing imports a package above
// it, checks and i18n do not import each other, and the labs are for tests and
// the demo only.
func TestArrowsPointDown(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := map[string]bool{}
	eachGoFile(t, root, func(pkg string, file *ast.File, position string) {
		seen[pkg] = true
		rules, known := allowed[pkg]
		if !known {
			t.Errorf("%s: package %s is in no row of the table: which packages may it import?", position, pkg)
			return
		}
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if ours, ok := strings.CutPrefix(name, "domovoy/"); ok && !matches(rules, ours) {
				t.Errorf("%s: %s must not import %s", position, pkg, ours)
			}
			for library, homes := range foreign {
				if (name == library || strings.HasSuffix(library, "/") && strings.HasPrefix(name, library)) && !slices.Contains(homes, pkg) {
					t.Errorf("%s: %s must not import %s", position, pkg, name)
				}
			}
			if slices.Contains([]string{"bot", "reports", "reports/compose", "reports/files"}, pkg) && (name == "os" || name == "net" || strings.HasPrefix(name, "net/")) {
				t.Errorf("%s: %s does no I/O, but imports %s", position, pkg, name)
			}
		}
	})
	for pkg := range allowed {
		if !seen[pkg] {
			t.Errorf("the table has a row for %s, which is not there", pkg)
		}
	}
}

// TestNoHiddenStarts checks that nothing runs at import time: there is no init,
// and only main ends the process.
func TestNoHiddenStarts(t *testing.T) {
	eachGoFile(t, filepath.Join("..", ".."), func(pkg string, file *ast.File, position string) {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: init runs before anybody asked for it", position)
			}
		}
		if strings.HasPrefix(pkg, "cmd/") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				x, _ := s.X.(*ast.Ident)
				if x != nil && x.Name == "os" && slices.Contains([]string{"Exit", "Getenv", "LookupEnv", "Args"}, s.Sel.Name) {
					t.Errorf("%s: os.%s belongs to cmd", position, s.Sel.Name)
				}
			}
			return true
		})
	})
}

// TestTopOfTheRepository checks that the top level has the five folders only.
func TestTopOfTheRepository(t *testing.T) {
	may := []string{"cmd", "bot", "reports", "checks", "i18n", "go.mod", "go.sum", "config.example.yaml", "README.md",
		"README.ru.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
	entries, err := os.ReadDir(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(may, e.Name()) {
			t.Errorf("%s stands at the top of the repository", e.Name())
		}
	}
}

// eachGoFile calls visit for the parsed Go files of the repository, without
// tests.
func eachGoFile(t *testing.T, root string, visit func(pkg string, file *ast.File, position string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		visit(path.Dir(relative), file, relative)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// matches reports whether one of the patterns matches the package.
func matches(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		below, ok := strings.CutSuffix(p, "/*")
		return p == pkg || ok && strings.HasPrefix(pkg, below+"/") && !strings.HasPrefix(pkg, "checks/lab") && pkg != "bot/lab" && pkg != "bot/engine/enginetest"
	})
}
