package golden

import (
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/compose"
)

// lifeCases are the life of problems: every reason to speak of one again, who
// takes care of it, and what came and went while something held it back.
func lifeCases() map[string]message {
	failed := counted(checks.PanelFailed, checks.Critical, 92, 50)
	taken := reports.Taking{Person: "telegram:42", Name: "Анна", At: ago(70 * time.Minute), Until: now.Add(50 * time.Minute)}
	silence := reports.Hold{Kind: reports.HeldBySilence, ID: 3, Reason: "переезд на isp2", By: "Анна"}
	parent := reports.Problem{ID: 9, Key: "isp1///panel.unavailable", Server: "isp1", Cause: checks.PanelUnavailable}
	storm := reports.Problem{ID: 8, Key: "isp1/*//storm", Server: "isp1", Cause: reports.StormCause}

	all := map[string]message{}
	say := func(name string, reason reports.Reason, change func(*reports.Telling)) {
		all["life."+name] = func(w compose.Writer) reports.Message {
			t := telling(reason, incident(failed, 3*time.Hour))
			change(&t)
			return compose.Told(w, t, troubled(failed))
		}
	}
	say("worsened.taken", reports.Worsened, func(t *reports.Telling) { t.Was = taken })
	say("released", reports.Released, func(t *reports.Telling) { t.Was = taken })
	say("handed", reports.Handed, func(t *reports.Telling) {
		t.Problem.Life.Handed = reports.Handing{To: "@ivan", By: "Анна", At: now}
	})
	for _, n := range []int{1, 2, 5} {
		say("flapping."+string(rune('0'+n)), reports.Flaps, func(t *reports.Telling) {
			t.Problem.Life.Flapping = reports.Flapping{Since: ago(5 * time.Hour), Times: n, Told: true}
			t.Problem.Life.Held = string(reports.HeldByFlapping)
		})
	}
	say("settled", reports.Settled, func(*reports.Telling) {})
	say("escalated", reports.Escalated, func(t *reports.Telling) { t.Problem.Life.Waiting = ago(15 * time.Minute) })
	say("asked", reports.Escalated, func(t *reports.Telling) { t.Asked = "Анна" })
	say("taken", reports.Opened, func(t *reports.Telling) { t.Problem.Life.Taken = taken })
	say("took", reports.Resolved, func(t *reports.Telling) { t.Problem.Life.Taken = taken })
	say("silenced", reports.Opened, func(t *reports.Telling) { t.Problem.Life.Held = silence.Name() })
	say("explained", reports.Opened, func(t *reports.Telling) {
		t.Problem.Life.Held = reports.Hold{Kind: reports.HeldByParent, Parent: parent}.Name()
	})
	say("resting", reports.Opened, func(t *reports.Telling) {
		t.Problem.Life.Held = reports.Hold{Kind: reports.HeldByNode, Node: "isp1/node2"}.Name()
	})
	say("quiet", reports.Opened, func(t *reports.Telling) { t.Problem.Life.Held = string(reports.HeldByQuiet) })

	window := silence
	window.Kind = reports.HeldByWindow
	for name, hold := range map[string]reports.Hold{"silence": silence, "window": window, "node": {Kind: reports.HeldByNode, Node: "isp1/node2"}, "quiet": {Kind: reports.HeldByQuiet},
		"flapping": {Kind: reports.HeldByFlapping}, "parent": {Kind: reports.HeldByParent, Parent: parent},
		"storm": {Kind: reports.HeldByParent, Parent: storm}, "unknown": {Kind: reports.HeldByParent}} {
		say("heldover."+name, reports.HeldOver, func(t *reports.Telling) { t.Hold = hold })
		if name == "flapping" {
			continue // nothing is told of what came and went
		}
		all["life.passed."+name] = func(w compose.Writer) reports.Message {
			var incidents []reports.Incident
			for n := range 8 {
				incidents = append(incidents, ended(incident(checks.Finding{Server: "isp1", Site: site(n), Code: checks.CertExpired, Severity: checks.Critical}, time.Hour)))
			}
			return compose.Told(w, reports.Telling{Reason: reports.Passed, Hold: hold, Incidents: append(incidents[:2], incidents[3:]...)}, house())
		}
	}
	all["life.passed.count"] = func(w compose.Writer) reports.Message {
		return compose.Told(w, reports.Telling{Reason: reports.Passed, Hold: silence, Incidents: []reports.Incident{ended(incident(failed, time.Hour))}}, house())
	}
	all["life.more.sites"] = func(w compose.Writer) reports.Message {
		var incidents []reports.Incident
		for n := range 3 {
			incidents = append(incidents, incident(checks.Finding{Server: "isp1", Site: site(n), Code: checks.CertExpired, Severity: checks.Critical}, time.Duration(n+1)*time.Hour))
		}
		t := telling(reports.Grown, incidents...)
		t.Fresh = incidents[:1]
		return compose.Told(w, t, house())
	}
	all["life.storm.over"] = func(w compose.Writer) reports.Message {
		t := telling(reports.Resolved, incident(checks.Finding{Server: "isp1", Site: "shop.ru", Code: checks.DNSElsewhere, Severity: checks.Warning}, 2*time.Hour))
		t.Problem.Cause, t.Problem.Peak = reports.StormCause, 321
		s := house()
		s.Subjects = make([]checks.Subject, 2000)
		return compose.Told(w, t, s)
	}
	return all
}
