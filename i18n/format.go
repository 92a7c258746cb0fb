package i18n

import (
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/number"
)

const day = 24 * time.Hour

// Clock is the time of day in the locale's zone: "14:05".
func (l *Locale) Clock(t time.Time) string {
	return t.In(l.zone).Format("15:04")
}

// Date is the day in the locale's zone: "21 November", with the year if it is not the
// year of now.
func (l *Locale) Date(t, now time.Time) string {
	t = t.In(l.zone)
	if t.Year() == now.In(l.zone).Year() {
		return l.Say("date.day", dateWords(l, t))
	}
	return l.Say("date.year", dateWords(l, t))
}

// DateTime is the day, relative to now where possible, and the time: "today at 04:12",
// "3 October at 04:12".
func (l *Locale) DateTime(t, now time.Time) string {
	t, now = t.In(l.zone), now.In(l.zone)
	clock := Args{"Clock": l.Clock(t)}
	switch t.Format(time.DateOnly) {
	case now.Format(time.DateOnly):
		return l.Say("date.today", clock)
	case now.AddDate(0, 0, -1).Format(time.DateOnly):
		return l.Say("date.yesterday", clock)
	case now.AddDate(0, 0, 1).Format(time.DateOnly):
		return l.Say("date.tomorrow", clock)
	}
	return l.Say("date.at", clock, Args{"Date": l.Date(t, now)})
}

// moment is a time with its date, for texts without a now.
func (l *Locale) moment(t time.Time) string {
	t = t.In(l.zone)
	return l.Say("date.at", Args{"Clock": l.Clock(t), "Date": l.Say("date.year", dateWords(l, t))})
}

// dateWords are strings, because the digits of a number would be grouped.
func dateWords(l *Locale, t time.Time) Args {
	return Args{
		"Day":   strconv.Itoa(t.Day()),
		"Month": l.Say("month." + strconv.Itoa(int(t.Month()))),
		"Year":  strconv.Itoa(t.Year()),
	}
}

// Age is a duration in its two largest units: "3 h 12 min". From two days on it has
// only days: "12 days". It has no sign: the text around it says "ago" or "in".
func (l *Locale) Age(d time.Duration) string {
	d = max(d, -d)
	days, hours, minutes := int(d/day), int(d%day/time.Hour), int(d%time.Hour/time.Minute)
	var parts []string
	if days > 0 {
		parts = append(parts, l.Count("age.days", days))
	}
	if hours > 0 && days < 2 {
		parts = append(parts, l.Count("age.hours", hours))
	}
	if minutes > 0 && days == 0 {
		parts = append(parts, l.Count("age.minutes", minutes))
	}
	if len(parts) == 0 {
		return l.Say("age.moment")
	}
	return strings.Join(parts, " ")
}

// Stamp is a time for programs and spreadsheets, in the locale's zone:
// 2026-11-21 14:05.
func (l *Locale) Stamp(t time.Time) string { return t.In(l.zone).Format("2006-01-02 15:04") }

// Local is the same time in the locale's zone.
func (l *Locale) Local(t time.Time) time.Time { return t.In(l.zone) }

// Typographic signs. A hyphen in place of the minus sign would be too short beside
// digits and allow a line break.
const (
	minus     = "−"
	plus      = "+"
	plusMinus = "±"
	noNumber  = "—"
)

// Number is n with its digits grouped as in the language: "1 234 567" with no-break
// spaces, "1,234,567".
func (l *Locale) Number(n int) string {
	return signed(l.catalog.printer.Sprint(number.Decimal(n)))
}

// Change is a difference with its sign: "+3", "−14", "±0".
func (l *Locale) Change(n int) string {
	switch {
	case n > 0:
		return plus + l.Number(n)
	case n == 0:
		return plusMinus + l.Number(n)
	default:
		return l.Number(n)
	}
}

// Percent is a share, such as 0.13, in whole percent: "13 %" with a no-break space, or
// "13%". More than nothing is at least "<1%" and less than everything at most
// ">99%". NaN and an infinity are a dash.
func (l *Locale) Percent(share float64) string {
	switch {
	case math.IsNaN(share) || math.IsInf(share, 0):
		return noNumber
	case share > 0 && share < 0.005:
		return "<" + l.percent(0.01)
	case share < 1 && share >= 0.995:
		return ">" + l.percent(0.99)
	default:
		return l.percent(share)
	}
}

func (l *Locale) percent(share float64) string {
	return signed(l.catalog.printer.Sprint(number.Percent(share, number.MaxFractionDigits(0))))
}

// decimal is a number with at most one decimal: "1,5", "1.5".
func (l *Locale) decimal(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return noNumber
	}
	return signed(l.catalog.printer.Sprint(number.Decimal(x, number.MaxFractionDigits(1))))
}

// signed replaces the hyphen before a negative number by a minus sign.
func signed(s string) string {
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		return minus + rest
	}
	return s
}
