package compose

import (
	"strings"

	"domovoy/i18n"
	"domovoy/reports"
)

// WeekAnswer is a week's report in a few sentences: how many sites have problems and
// how that changed, who has to act, and what could not be looked at.
func WeekAnswer(w Writer, r reports.Weekly) string {
	if r.Data.IsZero() { // numbers of nothing would say that all is well
		return w.Say("weekly.nodata")
	}
	sentences := []string{w.weekState(r)}
	if todo := w.weekWork(r); todo != "" {
		sentences = append(sentences, todo)
	}
	if blind := notLookedAt(w, r); blind != "" {
		sentences = append(sentences, blind)
	}
	return strings.Join(sentences, " ")
}

// weekState says how many sites have problems, and how that changed.
func (w Writer) weekState(r reports.Weekly) string {
	sums, sites := r.Sums(), r.Sites()
	var parts []string
	switch {
	case sums.Open == 0:
		parts = append(parts, w.Say("weekly.answer.none"))
	case sites > 0:
		parts = append(parts, w.Count("weekly.answer.of", sites, i18n.Args{"Open": sums.Open}))
	default:
		parts = append(parts, w.Count("weekly.answer.open", sums.Open))
	}
	if !r.Before.IsZero() {
		parts = append(parts, w.Say("weekly.answer.week", i18n.Args{"Change": w.change(sums.Open - sums.Was)}))
	}
	if change, weeks, ok := r.Trend(); ok {
		if weeks == reports.QuarterWeeks {
			parts = append(parts, w.Say("weekly.answer.quarter", i18n.Args{"Change": w.change(change)}))
		} else {
			parts = append(parts, w.Count("weekly.answer.weeks", weeks, i18n.Args{"Change": w.change(change)}))
		}
	}
	return strings.Join(parts, ", ") + "."
}

// change is a difference with its sign; none is said in words.
func (w Writer) change(n int) string {
	if n == 0 {
		return w.Say("weekly.answer.same")
	}
	return w.Change(n)
}

// weekWork says who has to act on how many sites; empty: nobody.
func (w Writer) weekWork(r reports.Weekly) string {
	work := r.Work()
	var parts, sentences []string
	if work.Us > 0 {
		parts = append(parts, w.Say("weekly.answer.us", i18n.Args{"N": work.Us}))
	}
	if work.Customers > 0 {
		customers := w.Count("weekly.answer.owners", len(r.Callers()))
		parts = append(parts, w.Say("weekly.answer.customers", i18n.Args{"N": work.Customers, "Owners": customers}))
	}
	if len(parts) > 0 {
		sentences = append(sentences, w.Say("weekly.answer.do", i18n.Args{"Parts": strings.Join(parts, ", ")}))
	}
	if work.Wait > 0 {
		sentences = append(sentences, w.Say("weekly.answer.wait", i18n.Args{"N": work.Wait}))
	}
	return strings.Join(sentences, " ")
}
