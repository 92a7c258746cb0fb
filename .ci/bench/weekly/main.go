// Command weekly writes a week's report of many rows to standard output:
//
//	weekly xlsx|html|csv|png|peer|none ROWS [LANGUAGE]
//
// peer writes the same cells by the plain means of the library that xlsx uses; none
// only makes the rows: what the others take beyond it is the writing's. The garbage
// settings are those of the environment: GOGC, GOMEMLIMIT.
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"time"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/files"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 3 {
		log.Fatal("usage: weekly xlsx|html|csv|png|peer|none ROWS [LANGUAGE]")
	}
	language := "ru"
	if len(os.Args) > 3 {
		language = os.Args[3]
	}
	rows, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	bundle, err := i18n.Load()
	if err != nil {
		log.Fatal(err)
	}
	r := week(rows)
	out := bufio.NewWriter(os.Stdout)
	if err := write(out, os.Args[1], compose.Writer{Locale: bundle.Locale(language, time.UTC), Now: r.Data}, r); err != nil {
		log.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}

func write(out io.Writer, kind string, w compose.Writer, r reports.Weekly) error {
	switch kind {
	case "xlsx":
		return files.XLSX(out, w, r)
	case "csv":
		return files.CSV(out, w, r)
	case "html":
		return files.HTML(out, w, r)
	case "peer":
		return peer(out, w, r)
	case "none":
		return nil
	}
	chart, err := files.WeekChart(w, r)
	if err != nil {
		return err
	}
	_, err = out.Write(chart)
	return err
}

// week is a report of so many rows, in the proportions of a panel in trouble:
// half lead elsewhere, a fifth is fixed, four thousand customers.
func week(rows int) reports.Weekly {
	week, _ := reports.ISOWeek(2026, 46, time.UTC)
	codes := checks.Codes()
	changes := []reports.WeekChange{reports.WeekStill, reports.WeekStill, reports.WeekNew, reports.WeekStill, reports.WeekFixed}
	r := reports.Weekly{Week: week, Data: week.To, Before: week.From, Rules: "1.4.0", Rows: make([]reports.WeekRow, rows),
		Servers: []reports.ServerWeek{{Name: "isp1", Sites: 2 * rows, Days: 7}}}
	for i := range 12 {
		r.Points = append(r.Points, reports.WeekPoint{At: week.From.AddDate(0, 0, 7*(i-10)), Open: rows - i, Added: i, Fixed: i, Known: true})
	}
	for i := range r.Rows {
		code, change := checks.DNSElsewhere, changes[i%len(changes)]
		if i%2 == 1 {
			code = codes[12+i/2%40]
		}
		x := reports.WeekRow{Server: "isp1", Change: change, SiteState: reports.SiteState{Since: week.To.AddDate(0, 0, -i%300),
			Site: fmt.Sprintf("site%d.example.ru", i), Owner: fmt.Sprintf("client%d", i%4000), Code: code, Severity: code.Severity()}}
		switch {
		case change == reports.WeekFixed:
			x.Until = week.To.AddDate(0, 0, -1)
		case i%3 == 0:
			x.Expires = week.To.AddDate(0, 0, i%90)
		}
		r.Rows[i] = x
	}
	return r
}
