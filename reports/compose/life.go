package compose

import (
	"strings"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// whyNow says why a message comes now; empty: because the problem is new.
func whyNow(w Writer, t reports.Telling) string {
	p := t.Problem
	args := i18n.Args{"Age": w.Now.Sub(p.Opened)}
	switch t.Reason {
	case reports.Worsened:
		return join(w.Say("reason.worsened", args), wasTaken(w, t.Was))
	case reports.Grown:
		if p.OfSites() && p.Cause != reports.StormCause {
			return w.Say("reason.fresh", i18n.Args{"Fresh": len(t.Fresh), "Age": args["Age"]})
		}
		return w.Say("reason.worsened", args)
	case reports.HeldOver:
		return join(heldOver(w, t.Hold), w.Say("reason.still", args))
	case reports.Released:
		return join(released(w, t.Was), w.Say("reason.still", args))
	case reports.Flaps:
		f := p.Life.Flapping
		return w.Count("reason.flapping", f.Times, i18n.Args{"Since": w.dateTime(f.Since)})
	case reports.Escalated:
		if t.Asked != "" {
			return w.Say("reason.asked", i18n.Args{"By": t.Asked, "Age": args["Age"]})
		}
		if since := p.Life.Waiting; !since.IsZero() {
			args["Age"] = w.Now.Sub(since)
		}
		return w.Say("reason.escalated", args)
	case reports.Reminded, reports.Settled, reports.Handed:
		args["By"], args["To"] = p.Life.Handed.By, p.Life.Handed.To
		return w.Say("reason."+string(t.Reason), args)
	}
	return ""
}

// wasTaken says that somebody had taken what is worse now; empty: nobody had.
func wasTaken(w Writer, was reports.Taking) string {
	if was.Person == "" {
		return ""
	}
	return w.Say("reason.wastaken", i18n.Args{"By": was.By(), "At": w.dateTime(was.At)})
}

// released says that the time for which somebody took it is over.
func released(w Writer, was reports.Taking) string {
	if was.Person == "" { // an edit of that message
		return ""
	}
	return w.Say("reason.released", i18n.Args{"By": was.By(), "At": w.dateTime(was.At)})
}

// heldOver says what held a problem back until now.
func heldOver(w Writer, h reports.Hold) string {
	key := "held." + string(h.Kind)
	if !w.Has(key) { // what it was is no longer known
		return ""
	}
	return w.Say(key, i18n.Args{"By": h.By, "Reason": h.Reason, "What": problemName(w, h.Parent), "Node": h.Node})
}

// problemName is a problem in a few words: that of a parent, which may be known
// by its key alone.
func problemName(w Writer, p reports.Problem) string {
	if p.Cause == "" {
		return ""
	}
	if p.Cause == reports.StormCause {
		return w.Say("problem.storm", i18n.Args{"Server": p.Server})
	}
	return p.Server + ": " + w.title(p.Cause)
}

// standing says who takes care of a problem and what holds it back.
func standing(w Writer, p reports.Problem) []reports.Section {
	var lines []string
	life, taken := p.Life, p.Life.Taken
	switch {
	case taken.Person != "" && !p.Open():
		lines = append(lines, w.Say("life.took", i18n.Args{"By": taken.By(), "At": w.dateTime(taken.At)}))
	case p.IsTaken(w.Now):
		lines = append(lines, w.Say("life.taken", i18n.Args{"By": taken.By(), "At": w.dateTime(taken.At), "Until": w.dateTime(taken.Until)}))
	case life.Handed.To != "" && p.Open():
		lines = append(lines, w.Say("life.handed", i18n.Args{"By": life.Handed.By, "To": life.Handed.To, "At": w.dateTime(life.Handed.At)}))
	}
	if kind, _, _ := strings.Cut(life.Held, " "); kind != "" && p.Open() {
		lines = append(lines, w.Say("life.held."+kind))
	}
	if len(lines) == 0 {
		return nil
	}
	return []reports.Section{{Text: strings.Join(lines, " ")}}
}

// lifeActions take a problem, and silence it for an hour. What is done rarely comes
// last: rareActions.
func lifeActions(w Writer, p reports.Problem) []reports.Action {
	var actions []reports.Action
	if !p.IsTaken(w.Now) {
		actions = append(actions, reports.Action{Label: w.Say("action.take"), Command: "ack " + reports.ProblemMark})
	}
	if p.Life.Held == "" {
		actions = append(actions, reports.Action{Label: w.Say("action.hush"), Command: "silence " + reports.ProblemMark + " 1h " + w.Say("action.hushed")})
	}
	return actions
}

// rareActions silence a problem for a working day, and offer it to somebody else.
func rareActions(w Writer, p reports.Problem) []reports.Action {
	var actions []reports.Action
	if p.Life.Held == "" {
		actions = append(actions, reports.Action{Label: w.Say("action.hushlong"), Command: "silence " + reports.ProblemMark + " 8h " + w.Say("action.hushed"), Rare: true})
	}
	return append(actions, reports.Action{Label: w.Say("action.hand"), Command: "hand " + reports.ProblemMark, Rare: true})
}

// passed is the one line about what came and went while something held it back.
func passed(w Writer, t reports.Telling) reports.Message {
	var what []string
	known := map[string]bool{}
	for _, i := range t.Incidents {
		name := checks.Show(i.Finding.Site)
		if i.Finding.Site == "" {
			name = i.Finding.Server + ": " + w.title(i.Finding.Code)
		}
		if !known[name] {
			known[name] = true
			what = append(what, name)
		}
	}
	all := len(what)
	if all > passedNamed {
		what = append(what[:passedNamed], w.Say("passed.more", i18n.Args{"N": all - passedNamed}))
	}
	key := "passed." + string(t.Hold.Kind)
	if !w.Has(key) {
		key = "passed.silence"
	}
	m := w.message(reports.ToneOver, w.Say(key, i18n.Args{"N": all, "What": what, "By": t.Hold.By, "Reason": t.Hold.Reason, "Parent": problemName(w, t.Hold.Parent), "Node": t.Hold.Node}))
	m.Silent = true
	return m
}

// passedNamed is how many of what came and went are named in the line.
const passedNamed = 5

// join puts sentences together; empty ones are left out.
func join(sentences ...string) string {
	var said []string
	for _, s := range sentences {
		if s != "" {
			said = append(said, s)
		}
	}
	return strings.Join(said, " ")
}
