package i18n

import (
	"math"
	"strings"

	"golang.org/x/text/number"
)

// The typographic signs. A hyphen is too short beside digits, and it breaks
// the line.
const (
	minus     = "−"
	plus      = "+"
	plusMinus = "±"
	noNumber  = "—"
)

// Number groups the digits of n as the language does: "1 234 567" with
// no-break spaces, "1,234,567".
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

// Percent is a share of one as whole percents: "13 %" with a no-break space,
// "13%". Some but less than half a percent is "<1%", nearly all is ">99%":
// neither may pass for nothing or everything. No number at all is a dash.
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

// decimal is a number with at most one digit after the mark: "1,5", "1.5".
func (l *Locale) decimal(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return noNumber
	}
	return signed(l.catalog.printer.Sprint(number.Decimal(x, number.MaxFractionDigits(1))))
}

// signed replaces the hyphen that CLDR puts before negative numbers.
func signed(s string) string {
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		return minus + rest
	}
	return s
}
