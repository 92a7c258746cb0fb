package main

import (
	"bytes"
	"cmp"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"domovoy/bot/commands"
	"domovoy/checks"
	"domovoy/checks/lab"
	"domovoy/cmd/internal/app"
	"domovoy/i18n"
	"domovoy/reports"
)

// newcomer is what somebody types who tries everything that help lists, by
// language. A word in capitals stands for something that the demo has: SITE is
// a site with a trouble, PROBLEM the number of an open problem, BUTTON the command
// of the last answer's first button.
var newcomer = map[string][]string{
	"en": {
		"help", "help list", "status", "check SITE", "why SITE", "limits", "chart", "chart failed 24h", "chart attempts 30d", "chart flaky cause", "plan reissue",
		"list trouble", "list expired", "list expiring", "list failing", "list failed", "list processing", "list overdue", "list nocertificate", "list noredirect",
		"list elsewhere", "list elsewhere page 2", "list free", "list unknown", "list paused", "list zombie",
		"cancel authz all", "BUTTON", "audit", "report daily", "report weekly", "whoami", "lang en",
		"ack", "hand PROBLEM Anna", "escalate PROBLEM", "ack PROBLEM 2h", "silence PROBLEM 1h the queue drains", "silence", "unsilence 1", "delivery", "selftest",
		"share check SITE", "share list", "share revoke 1",
	},
	"ru": {
		"помощь", "помощь список", "статус", "проверь SITE", "почему SITE", "лимиты", "график", "график неудачных 24ч тёмный", "график попытки", "график фантомы по-причинам", "план перевыпуска",
		"список проблемы", "список истёкшие", "список неудачных", "список выпускаются", "список непродлённые", "список без-https", "список без-перехода",
		"список чужих", "список чужих страница 2", "список свободных", "список неясных", "список приостановленных", "список невыпускаемых",
		"отмени авторизации все valid", "обход", "аудит", "отчёт день", "отчёт неделя", "кто-я", "язык ru",
		"ack", "hand PROBLEM Анна", "ack PROBLEM 2ч", "silence PROBLEM 1ч очередь разойдётся сама", "silence", "unsilence 2", "delivery", "selftest",
		"share check SITE", "share list", "share revoke 2",
	},
}

func TestStory(t *testing.T) {
	bundle, s := played(t)
	t.Run("the days agree", func(t *testing.T) { theDaysAgree(t, s) })
	t.Run("every count has a chart of ninety days", func(t *testing.T) { everyCountHasAChart(t, s) })
	t.Run("every command is answered", func(t *testing.T) { everyCommandIsAnswered(t, bundle, s) })
}

// A newcomer's first chart shows three months: each count is known on each day, its
// last value is that of status, and it is not a straight line.
func everyCountHasAChart(t *testing.T, s *stage) {
	now := map[string]int{}
	for _, m := range s.app.Counts() {
		now[strings.TrimPrefix(string(m.Code), "panel.")] = m.Value
	}
	for _, kind := range reports.Charts() {
		if kind == reports.ChartAttempts || kind == reports.ChartFlaky {
			continue
		}
		reply, err := s.app.Ask(t.Context(), app.Local{User: "demo", Language: "en"}, "chart "+kind, func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		line := reply.Data.(commands.ChartData).Lines[0]
		values := map[int]bool{}
		for _, p := range line.Points {
			if p.Value == nil {
				t.Errorf("%s: nothing is known of %s", kind, p.At)
				continue
			}
			values[*p.Value] = true
		}
		if last := line.Points[len(line.Points)-1].Value; len(line.Points) != 90 || len(values) < 5 || last == nil || *last != now[kind] {
			t.Errorf("%s: %d days, %d values, now %d", kind, len(line.Points), len(values), now[kind])
		}
	}
}

// Every command that help lists is answered, in both languages: nothing is
// refused or switched off. stop needs a task that takes longer than any of the
// demo's. A sweep, which takes seconds, is tried in one language.
func everyCommandIsAnswered(t *testing.T, bundle *i18n.Bundle, s *stage) {
	for _, language := range bundle.Languages() {
		who := app.Local{User: "demo", Language: language}
		tried, button, problem := map[string]bool{"stop": true, "sweep": language == "en"}, "", ""
		for _, line := range newcomer[language] {
			line = strings.NewReplacer("SITE", "kozlov-podarki.su", "BUTTON", button, "PROBLEM", problem).Replace(line)
			reply, err := s.app.Ask(t.Context(), who, line, func(string) {})
			if err != nil || reply.Refused != "" {
				t.Errorf("%s: %v, refused as %q: %+v", line, err, reply.Refused, reply.Message)
			}
			text := everyText(reply.Message)
			if strings.Contains(text, "resolvers") || strings.Contains(text, "switched off") || strings.Contains(text, "выключен") {
				t.Errorf("%s answers that something is switched off: %s", line, text)
			}
			button = ""
			if len(reply.Message.Actions) > 0 {
				button = reply.Message.Actions[0].Command
			}
			if open, ok := reply.Data.(commands.ProblemsData); ok && len(open.Problems) > 0 {
				problem = strconv.FormatInt(open.Problems[0].Problem, 10)
			}
			if word, _, _ := strings.Cut(line, " "); language == "en" {
				tried[word] = true
			}
		}
		help, err := s.app.Ask(t.Context(), who, "help", func(string) {})
		data, ok := help.Data.(commands.HelpData)
		if err != nil || !ok {
			t.Fatal(err, help.Data)
		}
		for _, c := range data.Commands {
			if language == "en" && !tried[c.Command] {
				t.Errorf("nobody tried %s", c.Command)
			}
		}
	}
}

// everyText returns all text of a message but the quotations.
func everyText(m reports.Message) string {
	text := m.Title
	for _, s := range m.Sections {
		text += "\n" + s.Heading + "\n" + s.Text
		for _, i := range s.Items {
			text += "\n" + i.Text + " " + i.Note
		}
	}
	return text
}

// What the log tells of a site is what checks from outside find, since the day
// that is true.
func theDaysAgree(t *testing.T, s *stage) {
	codes := map[lab.Trouble][]checks.Code{
		lab.Elsewhere: {checks.DNSElsewhere}, lab.Gone: {checks.DNSUnregistered, checks.DNSUndelegated, checks.DNSNXDomain},
		lab.NoAddress: {checks.DNSNoAddress}, lab.IPv6: {checks.DNSIPv6}, lab.ServFail: {checks.DNSServFail, checks.DNSLame},
		lab.DNSSEC: {checks.DNSDNSSEC}, lab.CAA: {checks.DNSCAA}, lab.CAABroken: {checks.DNSCAABroken}, lab.Refused: {checks.WebRefused},
		lab.NotFound: {checks.WebNotFound}, lab.Forbidden: {checks.WebForbidden}, lab.Error: {checks.WebError},
	}
	snapshots, err := s.app.Standings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	facts, seen := s.facts(), map[lab.Trouble]int{}
	for _, x := range snapshots[0].States {
		truth := facts.sites[x.Site]
		want, bad := codes[truth.Trouble]
		if !bad || !facts.zones[registered(x.Site)].IsZero() {
			continue // well, or the zone of another site has a trouble, too
		}
		seen[truth.Trouble]++
		since := truth.Since
		if first := facts.midnight(historyDays); since.Before(first) {
			since = first
		}
		if !slices.Contains(want, x.Code) || !x.Since.Truncate(time.Second).Equal(since) {
			t.Errorf("%s (%s of %s since %s) is %s since %s", x.Site, truth.Trouble, truth.Name, since, x.Code, x.Since)
		}
	}
	for _, trouble := range []lab.Trouble{lab.Elsewhere, lab.NoAddress, lab.CAA, lab.Refused, lab.NotFound, lab.Forbidden} {
		if seen[trouble] == 0 {
			t.Errorf("no site of the sample is %s", trouble)
		}
	}
}

// played is the stage after the past.
func played(t *testing.T) (*i18n.Bundle, *stage) {
	t.Helper()
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	o := options{language: "en", log: slog.New(slog.DiscardHandler)}
	s := newStage(o, bundle, folder, strings.NewReader(""), new(bytes.Buffer))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := cmp.Or(s.build(t.Context(), o, bundle, filepath.Join(folder, "stage")), s.past(t.Context())); err != nil {
		t.Fatal(err)
	}
	return bundle, s
}

// The whole program, as a newcomer pipes words into it: what it says fits into
// 80 columns, and what it writes is in one folder, which it names.
func TestOneFolder(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	var out, failed bytes.Buffer
	if code := run(t.Context(), []string{"-lang", "ru"}, strings.NewReader("статус\nотчёт неделя\nвыход\n"), &out, &failed); code != 0 || failed.Len() > 0 {
		t.Fatalf("exit status %d, %s", code, failed.String())
	}
	left, err := os.ReadDir(temporary)
	if err != nil || len(left) != 1 {
		t.Fatalf("left in the temporary folder: %v, %v", left, err)
	}
	folder := filepath.Join(temporary, left[0].Name())
	files, err := os.ReadDir(folder)
	if err != nil || len(files) < 2 || slices.ContainsFunc(files, os.DirEntry.IsDir) {
		t.Errorf("in the folder are %v, %v", files, err)
	}
	if !strings.Contains(out.String(), folder) {
		t.Error("the folder is not named")
	}
	for line := range strings.Lines(out.String()) {
		// One long word, such as a path or a command, cannot be wrapped.
		if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > 80 && len(strings.Fields(line)) > 1 {
			t.Errorf("wider than 80 columns: %s", line)
		}
	}
}
