package reports

import (
	"testing"
	"time"

	"domovoy/checks"
)

// reload has another policy decide from now on.
func reload(change func(*Policy)) func(*life) { return func(l *life) { change(&l.policy) } }

// TestAPolicyChanges has the configuration change while problems are open: what is
// open is decided by the new one.
func TestAPolicyChanges(t *testing.T) {
	busy := count(checks.PanelProcessing, checks.Critical, 120)
	warned := count(checks.PanelProcessing, checks.Warning, 70)
	night := Quiet{From: 22 * 60, To: 8 * 60, Zone: time.UTC}
	quiet := func(q Quiet) func(*life) { return reload(func(p *Policy) { p.Quiet = q }) }
	escalation := func(steps ...Step) func(*life) { return reload(func(p *Policy) { p.Escalation = steps }) }
	chat, person, phone := Step{After: 15 * time.Minute, To: "slack:C1"}, Step{After: 30 * time.Minute, To: "telegram:42"}, Step{After: time.Hour, To: "webhook:duty"}
	after := func(s Step, d time.Duration) Step { s.After = d; return s }
	for _, tt := range []struct {
		name  string
		steps []moment
	}{
		{"quiet hours that are gone hold nothing back any more", []moment{
			{at: "23:00", do: quiet(night), found: list(warned)},
			{at: "23:30", do: quiet(Quiet{}), time: true, want: "heldover panel.processing after quiet"},
		}},
		{"quiet hours that end earlier", []moment{
			{at: "23:00", do: quiet(night), found: list(warned)},
			{at: "+1 06:00", do: quiet(Quiet{From: 22 * 60, To: 7 * 60, Zone: time.UTC}), time: true},
			{at: "+1 07:00", time: true, want: "heldover panel.processing after quiet"},
		}},
		{"quiet hours that end later", []moment{
			{at: "23:00", do: quiet(night), found: list(warned)},
			{at: "+1 07:59", do: quiet(Quiet{From: 22 * 60, To: 9 * 60, Zone: time.UTC}), time: true},
			{at: "+1 08:00", time: true},
			{at: "+1 09:00", time: true, want: "heldover panel.processing after quiet"},
		}},
		{"what came and went in quiet hours that are gone is one line", []moment{
			{at: "23:00", do: quiet(night), found: list(warned)},
			{at: "23:05"}, {at: "23:10"},
			{at: "23:30", do: quiet(Quiet{}), time: true, want: "passed panel.processing after quiet"},
		}},
		{"new quiet hours hold back what opens in them, and no escalation of what is critical", []moment{
			{at: "12:00", do: escalation(chat), found: list(busy), want: "opened panel.processing"},
			{at: "12:10", do: quiet(Quiet{From: 12 * 60, To: 13 * 60, Zone: time.UTC}), found: list(busy, count(checks.PanelFailing, checks.Warning, 30))},
			{at: "12:15", time: true, want: "escalated panel.processing slack:C1"},
			{at: "13:00", time: true, want: "heldover panel.failing after quiet"},
		}},
		{"a step that is gone is not taken", []moment{
			{at: "12:00", do: escalation(chat, person, phone), found: list(busy), want: "opened panel.processing"},
			{at: "12:15", time: true, want: "escalated panel.processing slack:C1"},
			{at: "12:20", do: escalation(chat, phone), time: true},
			{at: "12:30", time: true},
			{at: "13:00", time: true, want: "escalated panel.processing webhook:duty"},
		}},
		{"one that was taken may go, too: the next is not passed over", []moment{
			{at: "12:00", do: escalation(chat, person, phone), found: list(busy), want: "opened panel.processing"},
			{at: "12:15", time: true, want: "escalated panel.processing slack:C1"},
			{at: "12:20", do: escalation(person, phone), time: true},
			{at: "12:30", time: true, want: "escalated panel.processing telegram:42"},
			{at: "13:00", time: true, want: "escalated panel.processing webhook:duty"},
		}},
		{"a new step is taken at its own time", []moment{
			{at: "12:00", do: escalation(chat, phone), found: list(busy), want: "opened panel.processing"},
			{at: "12:15", time: true, want: "escalated panel.processing slack:C1"},
			{at: "12:20", do: escalation(chat, person, phone), time: true},
			{at: "12:30", time: true, want: "escalated panel.processing telegram:42"},
			{at: "13:00", time: true, want: "escalated panel.processing webhook:duty"},
		}},
		{"a new step whose time has come is taken at once, those before are not taken again", []moment{
			{at: "12:00", do: escalation(chat), found: list(busy), want: "opened panel.processing"},
			{at: "12:15", time: true, want: "escalated panel.processing slack:C1"},
			{at: "12:40", do: escalation(person, chat), time: true, want: "escalated panel.processing telegram:42"},
		}},
		{"a step at another time: earlier, and one that was taken is not taken again", []moment{
			{at: "12:00", do: escalation(chat, phone), found: list(busy), want: "opened panel.processing"},
			{at: "12:15", time: true, want: "escalated panel.processing slack:C1"},
			{at: "12:20", do: escalation(after(chat, 25*time.Minute), after(phone, 40*time.Minute)), time: true},
			{at: "12:25", time: true},
			{at: "12:40", time: true, want: "escalated panel.processing webhook:duty"},
			{at: "13:00", time: true},
		}},
		{"one address twice is called twice", []moment{
			{at: "12:00", do: escalation(chat, after(chat, 30*time.Minute)), found: list(busy), want: "opened panel.processing"},
			{at: "12:15", time: true, want: "escalated panel.processing slack:C1"},
			{at: "12:30", time: true, want: "escalated panel.processing slack:C1"},
			{at: "13:30", time: true},
		}},
		{"an escalation where there was none counts from when somebody had to be called", []moment{
			{at: "12:00", found: list(busy), want: "opened panel.processing"},
			{at: "12:20", do: escalation(chat, phone), time: true, want: "escalated panel.processing slack:C1"},
			{at: "13:00", time: true, want: "escalated panel.processing webhook:duty"},
		}},
		{"who takes it ends all steps, also new ones", []moment{
			{at: "12:00", do: escalation(chat), found: list(busy), want: "opened panel.processing"},
			{at: "12:10", do: take(checks.PanelProcessing, "ann", time.Hour), time: true},
			{at: "12:11", do: escalation(after(phone, time.Minute)), time: true},
			{at: "13:10", time: true, want: "released panel.processing from ann"},
			{at: "13:11", time: true, want: "escalated panel.processing webhook:duty"},
		}},
		{"a shorter time between reminders", []moment{
			{at: "12:00", found: list(busy), want: "opened panel.processing"},
			{at: "12:30", do: reload(func(p *Policy) { p.Remind = time.Hour }), found: list(busy)},
			{at: "13:00", found: list(busy), want: "reminded panel.processing"},
		}},
		{"fewer readings until the end", []moment{
			{at: "12:00", do: reload(func(p *Policy) { p.ResolveAfter = 5 }), found: list(busy), want: "opened panel.processing"},
			{at: "12:05"},
			{at: "12:10", do: reload(func(p *Policy) { p.ResolveAfter = 2 }), want: "resolved panel.processing"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &life{history: newHistory(), sites: 150}
			for _, m := range tt.steps {
				l.play(t, m)
			}
		})
	}
}

// TestStepsOfAnEarlierVersion has steps that were only counted.
func TestStepsOfAnEarlierVersion(t *testing.T) {
	p := Policy{Escalation: []Step{{To: "a:1"}, {To: "b:1"}, {To: "c:1"}}}
	l := Life{Step: 2}
	if left := p.StepsLeft(l); len(left) != 1 || left[0].To != "c:1" {
		t.Errorf("left are %v", left)
	}
	l.Call(p.Escalation[2], p)
	if left := p.StepsLeft(l); len(left) != 0 || l.Called != "a:1 b:1 c:1" || l.Step != 0 {
		t.Errorf("left are %v of %+v", left, l)
	}
}
