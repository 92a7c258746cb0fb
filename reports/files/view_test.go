package files

import (
	"bytes"
	"os"
	"testing"
)

func TestView(t *testing.T) {
	for _, lang := range []string{"ru", "en"} {
		w, r := writer(t, lang), sample(t)
		c, err := WeekChart(w, r)
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile("/tmp/h/week-"+lang+".png", c, 0o644)
		d, err := DayChart(w, days(t))
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile("/tmp/h/day-"+lang+".png", d, 0o644)
		var x, h, v bytes.Buffer
		if err := XLSX(&x, w, r); err != nil {
			t.Fatal(err)
		}
		if err := HTML(&h, w, r, c); err != nil {
			t.Fatal(err)
		}
		if err := CSV(&v, w, r); err != nil {
			t.Fatal(err)
		}
		os.WriteFile("/tmp/h/r-"+lang+".xlsx", x.Bytes(), 0o644)
		os.WriteFile("/tmp/h/r-"+lang+".html", h.Bytes(), 0o644)
		os.WriteFile("/tmp/h/r-"+lang+".csv", v.Bytes(), 0o644)
	}
}
