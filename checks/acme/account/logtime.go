package account

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// lineTime reads the time before a record of certbot ("2026-11-21 14:34:41,311")
// or of acme.sh, which is that of date(1) in the language of the server:
// "[Sat Nov 21 14:34:01 UTC 2026]", "[Сб 21 ноя 2026 14:34:01 MSK]". The zone
// is passed over, so it is right to half a day. Zero: there is none.
func lineTime(line []byte) time.Time {
	switch {
	case len(line) < len(time.DateTime):
	case line[0] >= '0' && line[0] <= '9':
		if t, err := time.Parse(time.DateTime, string(line[:len(time.DateTime)])); err == nil {
			return t
		}
	case line[0] == '[':
		if end := bytes.IndexByte(line[:min(len(line), 64)], ']'); end > 0 {
			return dateOf(string(line[1:end]))
		}
	}
	return time.Time{}
}

// dateOf puts a date together from its words, in whatever order they stand.
func dateOf(text string) time.Time {
	var day, year int
	var month time.Month
	var clock time.Time
	for word := range strings.FieldsSeq(text) {
		word = strings.Trim(word, ".,")
		number, err := strconv.Atoi(word)
		switch {
		case err == nil && len(word) == 4:
			year = number
		case err == nil && len(word) <= 2:
			day = number
		case strings.Contains(word, ":"):
			clock, _ = time.Parse(time.TimeOnly, word)
		case month == 0:
			month = monthOf(word)
		}
	}
	if year == 0 || month == 0 || day < 1 || day > 31 {
		return time.Time{}
	}
	return time.Date(year, month, day, clock.Hour(), clock.Minute(), clock.Second(), 0, time.UTC)
}

// monthOf knows English and Russian months by their beginning; zero for other
// words. No weekday of the two begins like a month.
func monthOf(word string) time.Month {
	letters := []rune(strings.ToLower(word))
	if len(letters) < 3 {
		return 0
	}
	const english, russian = "janfebmaraprmayjunjulaugsepoctnovdec", "янвфевмарапрмаяиюниюлавгсеноктноядек"
	begin := string(letters[:3])
	if begin == "май" {
		return time.May
	}
	for _, months := range [][]rune{[]rune(english), []rune(russian)} {
		for m := range 12 {
			if string(months[3*m:3*m+3]) == begin {
				return time.Month(m + 1)
			}
		}
	}
	return 0
}
