package commands_test

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"domovoy/reports"
)

// files checks the numbers of a weekly report's files.
func (n *numbers) files(m reports.Message) {
	n.Helper()
	seen := 0
	for _, f := range m.Files {
		switch {
		case strings.HasSuffix(f.Name, ".xlsx"):
			n.workbook(m.Language, f.Data)
			seen++
		case strings.HasSuffix(f.Name, ".html"):
			n.page(string(f.Data))
			seen++
		}
	}
	if seen != 2 {
		n.Errorf("the report has %d files", len(m.Files))
	}
}

// command finds what lists a number within a text.
var command = regexp.MustCompile(`list [a-z]+( [^<;]*)? week=[^<; ]+( all)?`)

// workbook checks the sheets with numbers: each figure has a command beside it, and
// the owners' numbers are those of the lists of the owner.
func (n *numbers) workbook(language string, data []byte) {
	n.Helper()
	book, err := excelize.OpenReader(bytes.NewReader(data))
	if err != nil {
		n.Fatal(err)
	}
	defer book.Close()
	sheets := book.GetSheetList()
	say := n.engine.People.In(language).Say
	rows := func(sheet string) [][]string {
		rows, err := book.GetRows(sheet, excelize.Options{RawCellValue: true})
		if err != nil {
			n.Fatal(err)
		}
		return rows[1:]
	}
	part, whole := "", ""
	for _, row := range rows(sheets[len(sheets)-1]) {
		if len(row) == 1 {
			part = row[0]
		}
		if len(row) < 2 || part == say("files.part.data") {
			continue
		}
		value, err := strconv.Atoi(row[1])
		switch {
		case part == say("files.part.servers"): // how many sites there were is not kept by name; those that could not be checked are
			if len(row) > 3 && command.MatchString(row[3]) {
				n.listed("the workbook's "+row[0], unknownSites(row[3]), command.FindString(row[3]))
			}
		case err != nil || len(row) < 5:
			n.Errorf("the workbook has a number without a command: %q", row)
		default:
			n.listed("the workbook's "+row[0], value, row[4])
			if whole == "" {
				whole = row[4] // list trouble week=2026-W46 all
			}
		}
	}
	for _, row := range rows(sheets[len(sheets)-2]) {
		owner := row[0]
		if owner == say("files.noowner") {
			owner = reports.NoOwner
		}
		of := func(kind string) int {
			return n.length(strings.Replace(whole, "list trouble", "list "+kind, 1) + " owner=" + owner)
		}
		open, fresh, fixed, left := of("trouble"), of("new"), of("fixed"), of("left")
		for i, want := range []int{open, open - fresh + fixed + left, fresh, fixed} {
			if got, err := strconv.Atoi(row[i+1]); err != nil || got != want {
				n.Errorf("the workbook has %s of %s in column %d, want %d", row[i+1], row[0], i+1, want)
			}
		}
	}
}

// unknownSites is the number in a note about a server: it comes right before the
// command, behind the last semicolon.
func unknownSites(note string) int {
	parts := strings.Split(note, ";")
	n, err := strconv.Atoi(regexp.MustCompile(`[0-9]+`).FindString(parts[len(parts)-1]))
	if err != nil {
		return -1
	}
	return n
}

var (
	headlineTag = regexp.MustCompile(`<span data-headline="([a-z]+)">([^<]+)</span>`)
	figureTag   = regexp.MustCompile(`<div><dt>[^<]*: <span data-number="([a-z]+)">([^<]+)</span>(?: <small>[^<]*</small>)?</dt><dd>[^<]* <code>(list [^<]+)</code></dd></div>`)
	factTag     = regexp.MustCompile(`<div><dt><bdi>([^<]*)</bdi></dt><dd><b><bdi>([^<]*)</bdi></b>(?: <span>([^<]*)</span>)?(?: <code>(list [^<]+)</code>)?</dd></div>`)
	sectionTag  = regexp.MustCompile(`(?s)<section id="([a-z]+)".*?<span class="count">([^<]+)</span>(.*?)</section>`)
	linkTag     = regexp.MustCompile(`<a href="#([a-z]+)">[^<]* <b>([^<]+)</b></a>`)
	altTag      = regexp.MustCompile(`aria-label="[^"]*?: ([0-9]+), ([0-9]+), ([0-9]+)\."`)
)

// page checks the numbers of the report's page: the figures, by the commands below
// them, and the tables, by their rows.
func (n *numbers) page(html string) {
	n.Helper()
	figures, headlines := figureTag.FindAllStringSubmatch(html, -1), headlineTag.FindAllStringSubmatch(html, -1)
	if len(figures) == 0 || len(figures) != strings.Count(html, "data-number=") || len(headlines) == 0 {
		n.Fatalf("the page has %d figures with their meaning, of %d, and %d headlines", len(figures), strings.Count(html, "data-number="), len(headlines))
	}
	values := map[string]string{}
	for _, f := range figures {
		values[f[1]] = f[2]
		n.listed("the page's "+f[1], plainNumber(f[2]), f[3])
	}
	for _, h := range headlines {
		if values[h[1]] != h[2] {
			n.Errorf("the page's headline says %s as %s, and its figure %s", h[1], h[2], values[h[1]])
		}
	}
	for _, f := range factTag.FindAllStringSubmatch(html, -1) {
		if f[4] != "" {
			n.listed("the page's "+f[1], plainNumber(f[2]), f[4])
		}
		if command.MatchString(f[3]) {
			n.listed("the page's "+f[1], unknownSites(f[3]), command.FindString(f[3]))
		}
	}
	counts := map[string]string{}
	for _, s := range sectionTag.FindAllStringSubmatch(html, -1) {
		counts[s[1]] = s[2]
		if rows := strings.Count(s[3], `<th scope="row"`); plainNumber(s[2]) != rows {
			n.Errorf("the page's table %s has %d rows and says %s", s[1], rows, s[2])
		}
	}
	for _, a := range linkTag.FindAllStringSubmatch(html, -1) {
		if counts[a[1]] != a[2] {
			n.Errorf("the page's link to %s says %s, the table %s", a[1], a[2], counts[a[1]])
		}
	}
	if alt := altTag.FindStringSubmatch(html); alt == nil || alt[1] != values["open"] || alt[2] != values["new"] || alt[3] != values["fixed"] {
		n.Errorf("the page's chart says %v, want %v", alt, values)
	}
}

// listed checks that a command lists as many as a number says.
func (n *numbers) listed(what string, value int, command string) {
	n.Helper()
	if length := n.length(command); length != value {
		n.Errorf("%s is %d, and %q lists %d", what, value, command, length)
	}
}
