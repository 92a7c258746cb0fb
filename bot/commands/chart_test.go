package commands_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/bot"
	"domovoy/bot/commands"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// gallery is a bot over panels whose counts were stored for some time.
type gallery struct {
	*testing.T
	engine *engine.Engine
	panel  *enginetest.Panel // isp1
	now    time.Time
}

// newGallery makes one with some panels that have just been read: isp1 has two
// certificates that could not be issued.
func newGallery(t *testing.T, panels ...string) *gallery {
	t.Helper()
	g := &gallery{T: t, panel: enginetest.NewPanel(checks.Site{Name: "a.ru"}, checks.Site{Name: "b.ru"}), now: time.Now()}
	g.panel.Change(func(s *checks.Snapshot) {
		for i := range s.Sites {
			site := &s.Sites[i]
			site.Certificate = site.Name + "_le1"
			s.Certificates = append(s.Certificates, checks.Certificate{Server: "isp1", ID: site.ID, Name: site.Certificate, Domain: site.Name, Failed: checks.On})
		}
	})
	sources := []watch.Source{{Name: "isp1", Reader: g.panel}}
	for _, name := range panels {
		other := enginetest.NewPanel()
		other.Change(func(s *checks.Snapshot) { s.Server = name })
		sources = append(sources, watch.Source{Name: name, Reader: other})
	}
	g.engine = enginetest.New(t, engine.Config{Sources: sources, Policy: reports.Policy{Thresholds: map[checks.Code]reports.Threshold{checks.PanelFailed: {Critical: 50}}}})
	return g
}

// counted stores a count of some time ago.
func (g *gallery) counted(server string, code checks.Code, ago time.Duration, value int) {
	g.Helper()
	err := g.engine.Journal.Record(g.Context(), journal.Entry{At: g.now.Add(-ago), Metrics: []checks.Metric{{Server: server, Code: code, Value: value}}})
	if err != nil {
		g.Fatal(err)
	}
}

// tried adds an attempt to the log of isp1.
func (g *gallery) tried(certificate string, at time.Time, text string) {
	a := checks.Attempt{Server: "isp1", Certificate: certificate, Time: at, Outcome: checks.OutcomeIssued, Status: "ok"}
	if text != "" {
		a.Outcome, a.Status, a.Text = checks.OutcomeFailed, "failed", text
	}
	g.panel.Log(a)
}

// ask asks for a chart, in English and UTC. Every chart that has something to show has
// a picture.
func (g *gallery) ask(command string) (commands.ChartData, reports.Message) {
	g.Helper()
	answer, err := g.engine.Commands.Do(g.Context(), command, enginetest.Request(g, bot.Viewer))
	if err != nil {
		g.Fatalf("%s: %v", command, err)
	}
	data, ok := answer.Data.(commands.ChartData)
	if !ok {
		g.Fatalf("%s answers %T", command, answer.Data)
	}
	for _, f := range answer.Message.Files {
		if _, err := png.Decode(bytes.NewReader(f.Data)); err != nil || f.Type != "image/png" || !strings.HasSuffix(f.Name, ".png") {
			g.Errorf("%s: %s (%s): %v", command, f.Name, f.Type, err)
		}
	}
	return data, answer.Message
}

// values are those of a line, with a dash for what is not known.
func values(line commands.LineData) string {
	var all []string
	for _, p := range line.Points {
		if p.Value == nil {
			all = append(all, "-")
		} else {
			all = append(all, fmt.Sprint(*p.Value))
		}
	}
	return strings.Join(all, " ")
}

const day = 24 * time.Hour

// atNoon runs a test at noon of a day.
func atNoon(t *testing.T, test func(*testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(12 * time.Hour) // the clock of synctest begins at midnight
		test(t)
	})
}

// A count over time is a line with the last reading of each day up to the one of now;
// a day without one is null, not zero.
func TestChartOfACount(t *testing.T) {
	atNoon(t, func(t *testing.T) {
		g := newGallery(t)
		enginetest.Read(t, g.engine)
		g.counted("isp1", checks.PanelFailed, 7*day, 99) // too old
		for n, value := range map[int]int{6: 12, 5: 0, 2: 61, 1: 49} {
			g.counted("isp1", checks.PanelFailed, time.Duration(n)*day+3*time.Hour, value+3)
			g.counted("isp1", checks.PanelFailed, time.Duration(n)*day, value)
		}
		data, m := g.ask("chart failed 7d")
		if got := values(data.Lines[0]); got != "12 0 - - 61 49 2" || data.Step != "day" || *data.Threshold != 50 {
			t.Errorf("%s by %s, threshold %d", got, data.Step, *data.Threshold)
		}
		if p := data.Lines[0].Points[4]; *p.Low != 61 || *p.High != 64 || !p.At.Equal(g.now.Add(-2*day-12*time.Hour)) {
			t.Errorf("the fifth day is %+v", p)
		}
		if !strings.HasPrefix(m.Title, "isp1: could not be issued — 2 (") || len(m.Files) != 1 {
			t.Errorf("%q with %d files", m.Title, len(m.Files))
		}
		if !strings.Contains(m.Sections[0].Text, "Lowest: 0 (") || !strings.Contains(m.Sections[0].Text, "highest: 64 (") {
			t.Errorf("it says %q", m.Sections[0].Text)
		}
	})
}

// Each kind of chart can be had, in both languages, on both grounds; each of its
// buttons works; the words of each messenger's menu do, too.
func TestEveryChart(t *testing.T) {
	atNoon(t, func(t *testing.T) {
		g := newGallery(t)
		for n := range 60 {
			at := g.now.Add(-time.Duration(n) * 11 * time.Hour)
			g.tried("a.ru_le1", at.Add(-time.Minute), "During secondary validation: Timeout during connect")
			g.tried("a.ru_le1", at, "")
		}
		enginetest.Read(t, g.engine)
		pressed := map[string]bool{}
		var press func(command string, deep int)
		press = func(command string, deep int) {
			if pressed[command] {
				return
			}
			pressed[command] = true
			data, m := g.ask(command)
			if data.Chart != "" && len(m.Files) != 1 {
				t.Errorf("%s has no picture: %s", command, m.Title)
			}
			for _, a := range m.Actions {
				if rest, ok := strings.CutPrefix(a.Command, "list "); ok && !slices.Contains(reports.Lists(), strings.Fields(rest)[0]) {
					t.Errorf("%s has a button %q", command, a.Command)
				}
				if strings.HasPrefix(a.Command, "chart") && deep > 0 {
					press(a.Command, deep-1)
				}
			}
		}
		press("chart", 2)
		for _, kind := range reports.Charts() {
			other := "chart " + kind + " 7d"
			if kind == reports.ChartFlaky {
				other = "chart flaky hour 7d"
			}
			if !pressed["chart "+kind] || !pressed[other] {
				t.Errorf("no button leads to chart %s", kind)
			}
		}
		for asked, want := range map[string]string{
			"график неудачных 30д": "failed", "графики попытки": "attempts", "график фантомы по причинам": "flaky", "график выпускаются 24ч тёмный": "processing", "chart panel.overdue": "overdue",
			"chart ca.flaky by server": "flaky", "chart phantoms 12w": "flaky", "graph nohttps server=isp1": "nocertificate", "график без перехода сервер=isp1 12н светлый": "noredirect",
		} {
			if data, _ := g.ask(asked); data.Chart != want {
				t.Errorf("%q draws %q, want %q", asked, data.Chart, want)
			}
		}
	})
}

// status leads to the charts.
func TestStatusLeadsToCharts(t *testing.T) {
	g := newGallery(t)
	enginetest.Read(t, g.engine)
	answer, err := g.engine.Commands.Do(t.Context(), "status", enginetest.Request(t, bot.Viewer))
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(answer.Message.Actions, func(a reports.Action) bool { return a.Command == "chart server=isp1" })
	if at < 0 || at >= reports.ButtonsMost-1 {
		t.Errorf("the button to the charts is at %d of %+v", at, answer.Message.Actions)
	}
}

// What is no chart, no time and no panel is said, with what may have been meant.
func TestWrongCharts(t *testing.T) {
	g := newGallery(t)
	enginetest.Read(t, g.engine)
	for _, tt := range []struct{ asked, says, offers string }{
		{"chart faild", "There is no chart “faild”", "chart failed"},
		{"chart flacky 7d", "There is no chart “flacky”", "chart flaky"},
		{"график нудачных", "There is no chart “нудачных”", "chart failed"},
		{"chart failed often", "“often” is not understood", "chart failed"},
		{"chart failed cause", "“cause” is not understood", "chart failed"},
		{"chart failed owner=client1", "“owner=client1” is not understood", "chart failed"},
		{"chart failed 3h", "from a day to two years", "chart failed"},
		{"chart failed 3000d", "from a day to two years", "chart failed"},
		{"chart failed server=isp9", "isp9", "chart failed"},
	} {
		_, err := g.engine.Commands.Do(t.Context(), tt.asked, enginetest.Request(t, bot.Viewer))
		var refusal *bot.Refusal
		if !errors.As(err, &refusal) || refusal.Code != bot.ResultUsage {
			t.Errorf("%s: %v", tt.asked, err)
			continue
		}
		m, _ := bot.Explain(t.Context(), g.engine.Log, err, enginetest.Request(t, bot.Viewer))
		if !strings.Contains(m.Title, tt.says) || len(m.Actions) == 0 || m.Actions[0].Command != tt.offers {
			t.Errorf("%s: %q, offering %+v", tt.asked, m.Title, m.Actions)
		}
	}
}

// A panel that was never read has no line, and no zero.
func TestChartOfNothing(t *testing.T) {
	g := newGallery(t)
	data, m := g.ask("chart overdue")
	if got := strings.Trim(values(data.Lines[0]), "- "); got != "" || len(m.Files) != 0 || m.Tone != reports.ToneUnknown || !strings.Contains(m.Title, "no data for 90 days") {
		t.Errorf("%q, %d files, %q: %s", got, len(m.Files), m.Tone, m.Title)
	}
	if data, m := g.ask("chart flaky"); *data.Total != 0 || len(m.Files) != 0 || m.Tone != reports.ToneUnknown {
		t.Errorf("%d, %d files: %s", *data.Total, len(m.Files), m.Title)
	}
	if _, m := g.ask("chart attempts"); len(m.Files) != 0 || !strings.Contains(m.Title, "no data") {
		t.Errorf("%d files: %s", len(m.Files), m.Title)
	}
}

// Of many panels those with the highest counts have a line; the total is not given
// where not all could be read.
func TestChartOfManyPanels(t *testing.T) {
	atNoon(t, func(t *testing.T) {
		g := newGallery(t, "isp2", "isp3", "isp4", "isp5", "isp6", "isp7")
		for n, server := range []string{"isp2", "isp3", "isp4", "isp5", "isp6", "isp7"} {
			g.counted(server, checks.PanelProcessing, 2*day, n)
		}
		data, m := g.ask("chart processing 7d")
		var names []string
		for _, line := range data.Lines {
			names = append(names, line.Name)
		}
		if got := strings.Join(names, " "); got != "isp7 isp6 isp5 isp4 isp3" || !strings.Contains(m.Title, "5 panels: being issued — not all could be read") || !strings.Contains(m.Sections[0].Text, "2 panels with lower counts are not drawn") {
			t.Errorf("%s: %s, %s", got, m.Title, m.Sections[0].Text)
		}
		if data, m := g.ask("chart processing 7d server=isp4"); len(data.Lines) != 1 || !strings.HasPrefix(m.Title, "isp4: ") {
			t.Errorf("%d lines: %s", len(data.Lines), m.Title)
		}
	})
}

// cut is a panel that can be made unreadable.
type cut struct {
	*enginetest.Panel
	off bool
}

func (c *cut) Poll(ctx context.Context) (checks.Snapshot, bool, error) {
	if c.off {
		return checks.Snapshot{}, false, &ispmanager.Error{Reason: ispmanager.Gone}
	}
	return c.Panel.Poll(ctx)
}

// While a panel cannot be read its last count is not that of now, and days without a
// reading of its log are not without attempts.
func TestChartOfAnUnreadablePanel(t *testing.T) {
	atNoon(t, func(t *testing.T) {
		panel := &cut{Panel: enginetest.NewPanel(checks.Site{Name: "a.ru"})}
		e := enginetest.New(t, engine.Config{Sources: []watch.Source{{Name: "isp1", Reader: panel}}})
		g := &gallery{T: t, engine: e, panel: panel.Panel, now: time.Now()}
		g.tried("a.ru_le1", g.now.Add(-time.Hour), "no")
		enginetest.Read(t, e)
		g.counted("isp1", checks.PanelFailed, 0, 7)
		panel.off = true
		for _, ago := range []time.Duration{time.Hour, 3 * day} {
			time.Sleep(ago)
			_ = e.Watch.Read(t.Context(), time.Now())
			if _, m := g.ask("chart failed 7d"); !strings.HasPrefix(m.Title, "isp1: could not be issued — 7 (last reading: ") {
				t.Errorf("%v later: %s", ago, m.Title)
			}
		}
		data, m := g.ask("chart attempts 7d")
		if failed := values(data.Lines[1]); failed != "- - - 1 - - -" || !strings.Contains(m.Sections[0].Text, "Last data: ") {
			t.Errorf("%s: %s", failed, m.Sections[0].Text)
		}
	})
}

// Failures and successes are counted by day from the log's first attempt on; a day
// without one is zero then, because the log says so.
func TestChartOfAttempts(t *testing.T) {
	atNoon(t, func(t *testing.T) {
		g := newGallery(t)
		for n, at := range []time.Duration{4 * day, 4*day - time.Hour, 2 * day, 2 * day, 13 * time.Hour, 11 * time.Hour} {
			g.tried(fmt.Sprint("c", n), g.now.Add(-at), []string{"", "no", "no", "no", "", ""}[n])
		}
		enginetest.Read(t, g.engine)
		data, m := g.ask("chart attempts 7d")
		if issued, failed := values(data.Lines[0]), values(data.Lines[1]); issued != "- - 1 0 0 1 1" || failed != "- - 1 0 2 0 0" {
			t.Errorf("issued %s, failed %s", issued, failed)
		}
		if m.Title != "isp1: attempts in 7 days — 6, failed — 3 (50%)" || len(m.Files) != 1 {
			t.Errorf("%s, %d files", m.Title, len(m.Files))
		}
		if data, _ := g.ask("chart attempts 24h"); data.Step != "hour" || !strings.HasSuffix(values(data.Lines[0]), "1 0 0 0 0 0 0 0 0 0 0 0") {
			t.Errorf("by %s: %s", data.Step, values(data.Lines[0]))
		}
	})
}

// What failed and then was issued by itself is counted by hour, panel and cause, as
// limits counts it.
func TestChartOfWhatPassed(t *testing.T) {
	atNoon(t, func(t *testing.T) {
		g := newGallery(t)
		at := func(days, hour int) time.Time {
			return g.now.Add(-time.Duration(days)*day - 12*time.Hour + time.Duration(hour)*time.Hour)
		}
		texts := []string{"Invalid response from http://x.ru/.well-known/acme-challenge/x: 403", "DNS problem: SERVFAIL looking up A for x.ru", "words that no rule knows"}
		for n, x := range []struct{ day, hour, text int }{{9, 3, 0}, {8, 3, 0}, {8, 4, 1}, {2, 3, 2}} {
			g.tried(fmt.Sprint("c", n), at(x.day, x.hour), texts[x.text])
			g.tried(fmt.Sprint("c", n), at(x.day, x.hour).Add(5*time.Hour), "")
		}
		g.tried("late", at(9, 3), texts[0]) // somebody mended it
		g.tried("late", at(3, 3), "")
		g.tried("broken", at(3, 3), texts[0])
		enginetest.Read(t, g.engine)
		for by, want := range map[string]string{
			"hour": "03:00 3|04:00 1|", "server": "isp1 4|", "cause": "ca.unauthorized 2|ca.dns 1|unknown 1|",
		} {
			data, _ := g.ask("chart flaky " + by)
			got := ""
			for _, b := range data.Bars {
				if b.N > 0 {
					got += fmt.Sprintf("%s %d|", b.Name, b.N)
				}
			}
			if got != want || *data.Total != 4 || *data.Attempts != 11 || data.By != by {
				t.Errorf("by %s: %s of %d among %d, want %s", data.By, got, *data.Total, *data.Attempts, want)
			}
		}
		data, _ := g.ask("chart flaky")
		if by := *data.Bars[3].ByChance; data.By != "hour" || by < 2.1 || by > 2.2 { // 6 of 11 attempts are of this hour
			t.Errorf("by %s: %.2f by chance", data.By, by)
		}
		limits, err := g.engine.Commands.Do(t.Context(), "limits", enginetest.Request(t, bot.Viewer))
		if err != nil {
			t.Fatal(err)
		}
		recovered := 0
		for _, d := range limits.Data.(commands.LimitsData).Issuance {
			recovered += d.Recovered
		}
		if recovered != *data.Total {
			t.Errorf("limits counts %d, the chart %d", recovered, *data.Total)
		}
	})
}
