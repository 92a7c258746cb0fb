package files

import (
	"io"
	"testing"
)

// benchRows is the size of a panel on which everything fails.
const benchRows = 100_000

func BenchmarkXLSX(b *testing.B) {
	w, r := writer(b, "ru"), many(b, benchRows)
	b.ReportAllocs()
	for b.Loop() {
		if err := XLSX(io.Discard, w, r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHTML(b *testing.B) {
	w, r := writer(b, "ru"), many(b, benchRows)
	b.ReportAllocs()
	for b.Loop() {
		if err := HTML(io.Discard, w, r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCSV(b *testing.B) {
	w, r := writer(b, "ru"), many(b, benchRows)
	b.ReportAllocs()
	for b.Loop() {
		if err := CSV(io.Discard, w, r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWeekChart(b *testing.B) {
	w, r := writer(b, "ru"), sample(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := WeekChart(w, r); err != nil {
			b.Fatal(err)
		}
	}
}
