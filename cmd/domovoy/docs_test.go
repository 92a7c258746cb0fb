package main

import (
	"go/ast"
	"go/doc"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/fleet"
	"domovoy/bot/people"
	"domovoy/checks"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// edition is the READMEs in one language.
type edition struct {
	language string
	suffix   string // of the files
	problems string // headings of the tables
	commands string
	question string // of the check in the transcript
}

func editions() []edition {
	return []edition{
		{"en", ".md", "Code | What is wrong | Next step | Who", "Command | What it answers | Minimum role | In Russian", "check"},
		{"ru", ".ru.md", "Код | Что не так | Следующий шаг | Кто", "Команда | Что отвечает | Роль, не ниже | Другие слова", "проверь"},
	}
}

// document is a file with parts that are generated from the program.
type document struct {
	path  string                          // from the top of the repository
	parts map[string]string               // bodies of blocks by the name of the block
	write func(*testing.T, string) string // other generated text; may be nil
}

func generated(t *testing.T) []document {
	bundle := bundled(t)
	stories := friday(t, bundle)
	floors, labs := packageTables(t)
	all := []document{{"CONTRIBUTING.md", map[string]string{"packages": floors, "labs": labs}, nil}}
	for _, e := range editions() {
		l, story := bundle.Locale(e.language, nil), stories[e.language]
		all = append(all,
			document{"README" + e.suffix, map[string]string{
				"transcript: alert": fenced(story.alert),
				"transcript: check": fenced("> " + e.question + " " + story.site + "\n\n" + story.check),
			}, nil},
			document{"bot/README" + e.suffix, map[string]string{"commands": e.commandTable(bundle, l, bundle.Locale("ru", nil))}, nil},
			document{"checks/README" + e.suffix, map[string]string{"problems": e.problemTable(l)}, nil},
			document{"reports/README" + e.suffix, nil, withThresholds},
		)
	}
	return all
}

// TestReadmes compares the tables and transcripts of the documents with the
// program. With -update it writes them.
func TestReadmes(t *testing.T) {
	for _, d := range generated(t) {
		t.Run(d.path, func(t *testing.T) {
			path := filepath.Join("../..", d.path)
			was := text(t, path)
			is := was
			for block, body := range d.parts {
				is = replace(t, is, block, body)
			}
			if d.write != nil {
				is = d.write(t, is)
			}
			if n := strings.Count(is, "<!-- /") - strings.Count(is, "<!-- /bench "); n != len(d.parts) { // .ci/bench/all writes the others
				t.Errorf("%d blocks end here, and %d are written", n, len(d.parts))
			}
			if _, hole, found := strings.Cut(is, "⟨"); found {
				t.Fatalf("a text or an argument is missing: ⟨%.40s", hole)
			}
			if *update {
				if err := os.WriteFile(path, []byte(is), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, line := range differ(was, is) {
				t.Errorf("the file differs from the program; write it with -update: %s", line)
			}
		})
	}
}

// TestBenchmarks: every benchmark has a place in CONTRIBUTING.md, where
// .ci/bench/all writes its figures, and every place has its benchmark.
func TestBenchmarks(t *testing.T) {
	entries, err := os.ReadDir("../../.ci/bench")
	if err != nil {
		t.Fatal(err)
	}
	var scripts, places []string
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && info.Mode()&0o100 != 0 && e.Name() != "all" {
			scripts = append(scripts, e.Name())
		}
	}
	for _, m := range regexp.MustCompile(`(?ms)^<!-- bench:(\w+) -->$.*?^<!-- /bench -->$`).FindAllStringSubmatch(text(t, "../../CONTRIBUTING.md"), -1) {
		places = append(places, m[1])
	}
	slices.Sort(places)
	if !slices.Equal(scripts, places) {
		t.Errorf("the benchmarks are %q, and the places %q", scripts, places)
	}
}

func bundled(t *testing.T) *i18n.Bundle {
	t.Helper()
	bundle, err := catalogs()
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

func text(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// replace replaces the text between <!-- name --> and the next <!-- / … -->.
func replace(t *testing.T, text, name, body string) string {
	t.Helper()
	opening := "<!-- " + name + " -->\n"
	before, rest, opened := strings.Cut(text, opening)
	i := strings.Index(rest, "<!-- /")
	if !opened || i < 0 {
		t.Fatalf("no block %q", name)
	}
	return before + opening + body + rest[i:]
}

func fenced(s string) string { return "```text\n" + strings.TrimRight(s, "\n") + "\n```\n" }

// differ lists the lines that only one of two texts has.
func differ(readme, program string) []string {
	var found []string
	for _, side := range []struct{ name, text, other string }{{"README: ", readme, program}, {"program: ", program, readme}} {
		known := strings.Split(side.other, "\n")
		for line := range strings.SplitSeq(side.text, "\n") {
			if !slices.Contains(known, line) {
				found = append(found, side.name+line)
			}
		}
	}
	if len(found) == 0 && readme != program {
		found = append(found, "the order of lines")
	}
	return found
}

// table writes Markdown; the head is one row, its cells apart by " | ".
func table(head string, rows [][]string) string {
	var b strings.Builder
	b.WriteString("| " + head + " |\n|" + strings.Repeat(" --- |", strings.Count(head, " | ")+1) + "\n")
	for _, row := range rows {
		for i, cell := range row {
			row[i] = strings.ReplaceAll(cell, "|", `\|`)
		}
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	return b.String()
}

func (e edition) problemTable(l *i18n.Locale) string {
	var rows [][]string
	for _, code := range checks.Codes() {
		key := "code." + string(code)
		rows = append(rows, []string{"`" + string(code) + "`", l.Say(key + ".title"), l.Say(key + ".next"), l.Say("who." + string(code.Who()))})
	}
	return table(e.problems, rows)
}

func (e edition) commandTable(bundle *i18n.Bundle, l, ru *i18n.Locale) string {
	var rows [][]string
	for _, c := range commands.New(commands.Parts{People: people.New(bot.Audience{Bundle: bundle}, nil)}).List() {
		words := ""
		if key := "words." + c.Name; ru.Has(key) {
			words = ru.Say(key)
		}
		if e.language == "ru" { // the usage is in Russian words; the name itself is for Telegram's menu
			words = "`" + c.Name + "`, " + words
		}
		role := l.Say("role." + c.Role.String())
		if c.Acts > c.Role {
			role += " / " + l.Say("role."+c.Acts.String())
		}
		rows = append(rows, []string{"`" + l.Say("help."+c.Name+".usage") + "`", l.Say("help." + c.Name + ".text"), role, words})
	}
	return table(e.commands, rows)
}

// packageTables lists the packages with the first sentence of each one's
// documentation: the floors from the top, and the labs.
func packageTables(t *testing.T) (floors, labs string) {
	t.Helper()
	about := map[string]string{}
	eachGoFile(t, "../..", func(pkg string, file *ast.File, _ string) {
		if file.Doc != nil {
			about[pkg] = new(doc.Package).Synopsis(file.Doc.Text())
		}
	})
	var rows [2][][]string
	for _, floor := range []string{"cmd", "bot", "reports", "checks", "i18n"} {
		for _, pkg := range slices.Sorted(maps.Keys(allowed)) {
			if top, _, _ := strings.Cut(pkg, "/"); top != floor {
				continue
			}
			_, sentence, found := strings.Cut(about[pkg], " "+path.Base(pkg)+" ")
			if !found {
				t.Errorf("the documentation of %s does not begin with its name: %q", pkg, about[pkg])
			}
			i := 0
			if slices.Contains(strings.Split(pkg, "/"), "lab") {
				i = 1
			}
			rows[i] = append(rows[i], []string{"`" + pkg + "`", strings.TrimSuffix(sentence, ".")})
		}
	}
	return table("Package | In one sentence", rows[0]), table("Lab | In one sentence", rows[1])
}

// withThresholds writes the defaults into the last two cells of the metrics'
// rows.
func withThresholds(t *testing.T, text string) string {
	t.Helper()
	d := config.Default[config.Thresholds]()
	for code, levels := range map[checks.Code][2]int{
		checks.PanelProcessing: {d.Processing.Warn, d.Processing.Critical},
		checks.PanelFailed:     {d.Failed.Warn, d.Failed.Critical},
		checks.PanelFailing:    {d.Failing.Warn, d.Failing.Critical},
		checks.PanelOverdue:    {d.Overdue.Warn, d.Overdue.Critical},
	} {
		row := regexp.MustCompile("(?m)^(\\| `" + regexp.QuoteMeta(string(code)) + "` .*) \\| [^|]* \\| [^|]* \\|$")
		if !row.MatchString(text) {
			t.Errorf("no row of %s", code)
		}
		text = row.ReplaceAllString(text, "$1 | "+level(levels[0])+" | "+level(levels[1])+" |")
	}
	return text
}

// level formats a threshold; 0 means none.
func level(n int) string {
	if n == 0 {
		return "—"
	}
	return strconv.Itoa(n)
}

// enrolment is the file of an agent.
func enrolment(t *testing.T) string {
	t.Helper()
	key, err := fleet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	text, err := fleet.Enrolment{Hub: "tls://bot.example.com:4222", Name: "isp2", Panels: []string{"isp2"}, Key: key}.Text("")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestReadmesConfigure reads each YAML of the documents as the program would.
func TestReadmesConfigure(t *testing.T) {
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	blocks := 0
	for _, document := range documents(t) {
		for _, found := range block.FindAllStringSubmatch(text(t, document), -1) {
			blocks++
			folder := t.TempDir()
			for name, content := range map[string]string{
				"config.yaml": found[1], "telegram.token": "123456:AAFakeFakeFakeFake", "slack.bot": "xoxb-1-fake", "slack.app": "xapp-1-fake",
			} {
				if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(folder, "isp2.enrolment"), []byte(enrolment(t)), 0o600); err != nil {
				t.Fatal(err)
			}
			// The path of an agent's file is that on its host.
			at := filepath.Join(folder, "config.yaml")
			if err := os.WriteFile(at, []byte(strings.ReplaceAll(found[1], "/etc/domovoy/isp2.enrolment", "isp2.enrolment")), 0o600); err != nil {
				t.Fatal(err)
			}
			cfg, faults := config.Load(at, func(string) (string, bool) { return "", false })
			if len(faults) == 0 {
				faults = cfg.CheckRun()
				if _, agent := cfg.Fleet.Enrolment(); agent {
					faults = cfg.CheckAgent()
				}
			}
			for _, line := range faults.Render(bundled(t).Locale("en", nil)) {
				t.Errorf("%s: %s", document, line)
			}
		}
	}
	if blocks < len(editions()) {
		t.Errorf("%d examples of a configuration in all documents", blocks)
	}
}
