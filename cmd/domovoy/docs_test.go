package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"domovoy/bot"
	"domovoy/checks"
	"domovoy/cmd/internal/config"
	"domovoy/i18n"
)

// readme is a README in one language.
type readme struct {
	language string
	path     string
	problems string // heads of the tables
	commands string
	question string // of the check in the transcript
}

func readmes() []readme {
	return []readme{
		{"en", "../../README.md", "Code | What is wrong | Next step | Who", "Command | What it answers | Role, at least | In Russian", "check"},
		{"ru", "../../README.ru.md", "Код | Что не так | Следующий шаг | Кто", "Команда | Что отвечает | Роль, не ниже | По-русски", "проверь"},
	}
}

// TestReadmesAreTheProgram holds what the READMEs tell of the program against
// the program: -update writes it anew.
func TestReadmesAreTheProgram(t *testing.T) {
	bundle := bundled(t)
	told := friday(t, bundle)
	for _, r := range readmes() {
		t.Run(r.language, func(t *testing.T) {
			l := bundle.Locale(r.language, nil)
			was := text(t, r.path)
			is := replace(t, was, "problems", r.problemTable(l))
			is = replace(t, is, "commands", r.commandTable(l, bundle.Locale("ru", nil)))
			is = replace(t, is, "transcript: alert", fenced(told[r.language].alert))
			is = replace(t, is, "transcript: check", fenced("> "+r.question+" "+told[r.language].site+"\n\n"+told[r.language].check))
			if _, hole, found := strings.Cut(is, "⟨"); found {
				t.Fatalf("a text or an argument is missing: ⟨%.40s", hole)
			}
			if *update {
				if err := os.WriteFile(r.path, []byte(is), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for _, line := range differ(was, is) {
				t.Errorf("the README differs from the program; -update mends it: %s", line)
			}
		})
	}
}

func bundled(t *testing.T) *i18n.Bundle {
	t.Helper()
	bundle, err := i18n.Load()
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

// replace puts a new body between <!-- name --> and the next <!-- / … -->.
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

func (r readme) problemTable(l *i18n.Locale) string {
	var rows [][]string
	for _, code := range checks.Codes() {
		key := "code." + string(code)
		rows = append(rows, []string{"`" + string(code) + "`", l.Say(key + ".title"), l.Say(key + ".next"), l.Say("who." + string(code.Who()))})
	}
	return table(r.problems, rows)
}

func (r readme) commandTable(l, ru *i18n.Locale) string {
	var rows [][]string
	for _, c := range bot.Commands() {
		words := ""
		if key := "words." + c.Name; ru.Has(key) {
			words = ru.Say(key)
		}
		rows = append(rows, []string{"`" + l.Say("help."+c.Name+".usage") + "`", l.Say("help." + c.Name + ".text"), l.Say("role." + c.Role.String()), words})
	}
	return table(r.commands, rows)
}

// TestReadmesTellTheThresholds holds the table of metrics against the
// defaults.
func TestReadmesTellTheThresholds(t *testing.T) {
	d := config.Default[config.Thresholds]()
	for code, levels := range map[checks.Code][2]int{
		checks.PanelProcessing: {d.Processing.Warn, d.Processing.Critical},
		checks.PanelFailed:     {d.Failed.Warn, d.Failed.Critical},
		checks.PanelFailing:    {d.Failing.Warn, d.Failing.Critical},
		checks.PanelOverdue:    {d.Overdue.Warn, d.Overdue.Critical},
	} {
		for _, r := range readmes() {
			row := regexp.MustCompile("(?m)^\\| `" + regexp.QuoteMeta(string(code)) + "` .* \\| " + level(levels[0]) + " \\| " + level(levels[1]) + " \\|$")
			if !row.MatchString(text(t, r.path)) {
				t.Errorf("%s: no row of %s ends with its thresholds %v", r.path, code, levels)
			}
		}
	}
}

// level of 0 is none.
func level(n int) string {
	if n == 0 {
		return "—"
	}
	return strconv.Itoa(n)
}

// TestReadmesConfigure reads each YAML of the READMEs as the program would.
func TestReadmesConfigure(t *testing.T) {
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	for _, r := range readmes() {
		for _, found := range block.FindAllStringSubmatch(text(t, r.path), -1) {
			folder := t.TempDir()
			for name, content := range map[string]string{
				"config.yaml": found[1], "telegram.token": "123456:AAFakeFakeFakeFake", "slack.bot": "xoxb-1-fake", "slack.app": "xapp-1-fake",
			} {
				if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cfg, faults := config.Load(filepath.Join(folder, "config.yaml"), func(string) (string, bool) { return "", false })
			if len(faults) == 0 {
				faults = cfg.CheckRun()
			}
			for _, line := range faults.Render(bundled(t).Locale("en", nil)) {
				t.Errorf("%s: %s", r.path, line)
			}
		}
	}
}

// TestDocumentsNameWhatIsThere looks for the files and folders of the
// repository that the documents name in code or in links.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	named := regexp.MustCompile("`((?:\\.ci|bot|checks|cmd|i18n|reports)/[^` ]*)`|\\]\\(([^):#]+)\\)|`([a-z]+\\.example\\.yaml)`")
	for _, document := range []string{"README.md", "README.ru.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"} {
		for _, found := range named.FindAllStringSubmatch(text(t, filepath.Join("../..", document)), -1) {
			name := found[1] + found[2] + found[3]
			if strings.ContainsAny(name, "<…") || strings.Contains(name, "NAME") { // a pattern, not a name
				continue
			}
			if _, err := os.Stat(filepath.Join("../..", filepath.FromSlash(name))); err != nil {
				t.Errorf("%s names %s: %v", document, name, err)
			}
		}
	}
}
