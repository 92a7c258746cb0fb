package files

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"domovoy/checks"
	"domovoy/reports"
)

// busy is a week as a hoster has it: 99 sites with problems of twenty causes, most of
// them of a few customers, and what is over and what ends besides.
func busy(tb testing.TB) reports.Weekly {
	tb.Helper()
	r := sample(tb)
	causes := []checks.Code{checks.CertExpired, checks.CertUntrusted, checks.CertMissing, checks.CertKeyMismatch, checks.CertName, checks.DNSUnregistered, checks.DNSElsewhere,
		checks.DNSElsewhere, checks.DNSElsewhere, checks.DNSElsewhere, checks.DNSNoAddress, checks.DNSCAA, checks.DNSCAABroken, checks.DNSDNSSEC, checks.DNSLame,
		checks.WebTimeout, checks.WebRefused, checks.WebNotFound, checks.CAUnauthorized, checks.CARemote, checks.CARateLimited}
	owners := []string{"agency-nord", "agency-nord", "agency-nord", "www-root", "studio-vertical", "webmaster24", "client17", "client2", "client31", "school-board", "ooo_romashka"}
	sites := []string{"shop", "xn--80aswg", "videonablyudenie", "stomatologiya-na-leninskom", "promo.kondicioner-vladimir", "b2b"}
	zones := []string{"example.ru", "xn--p1ai", "example.com", "example.moscow"}
	row := func(i int, change reports.WeekChange) reports.WeekRow {
		code := causes[i%len(causes)]
		return reports.WeekRow{Server: "isp1", Change: change, Was: code, SiteState: reports.SiteState{
			Site: fmt.Sprintf("%s%d.%s", sites[i%len(sites)], i, zones[i%len(zones)]), Owner: owners[i%len(owners)], Code: code, Severity: code.Severity(),
			Since: r.Data.AddDate(0, 0, -3*(i%29)-1), Exact: i%4 > 0}}
	}
	r.Rows, r.Endings, r.Drop = nil, nil, nil
	r.Servers = []reports.ServerWeek{{Name: "isp1", Sites: 2000, Days: 7}}
	for i := range 99 {
		change := reports.WeekStill
		if i%7 == 0 {
			change = reports.WeekNew
		}
		x := row(i, change)
		if x.Code == checks.DNSElsewhere {
			x.To = "Beget"
		}
		r.Rows = append(r.Rows, x)
	}
	for i := range 12 {
		x := row(i, reports.WeekFixed)
		x.Until = r.Data.AddDate(0, 0, -i%7)
		r.Rows = append(r.Rows, x)
		r.Endings = append(r.Endings, reports.Ending{Server: "isp1", Site: x.Site, Owner: x.Owner, Domain: x.Site, Ends: r.Data.AddDate(0, 0, i), Who: checks.Customer, At: r.Data})
	}
	return r
}

// broken lists the words of the page that are broken inside, and the words and elements
// that are wider than their place. Words are also what stands between two places that
// the page lets a name break at.
const broken = `(width => {
	const faults = new Set();
	const boxes = "h1, h2, h3, p, li, dt, dd, th, td, a, label, button, figcaption, output";
	if (document.documentElement.scrollWidth > width) faults.add("the page is " + document.documentElement.scrollWidth + " px wide");
	for (const e of document.querySelectorAll(boxes)) {
		if (e.checkVisibility() && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1) faults.add(e.localName + "." + e.className + " is too narrow: " + e.textContent.trim().slice(0, 60));
	}
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
	while (walker.nextNode()) {
		const node = walker.currentNode, parent = node.parentElement, box = parent.closest(boxes);
		if (!box || parent.closest("svg, script") || !parent.checkVisibility()) continue;
		const place = box.getBoundingClientRect();
		for (const word of node.data.matchAll(/[^\s\-\u2010-\u2014]+/g)) {
			range.setStart(node, word.index);
			range.setEnd(node, word.index + word[0].length);
			const rects = [...range.getClientRects()].filter(r => r.width > 0);
			if (new Set(rects.map(r => Math.round(r.top))).size > 1) faults.add("broken inside: " + word[0]);
			if (rects.some(r => r.right > place.right + 1 || r.left < place.left - 1)) faults.add("beyond its place: " + word[0]);
		}
	}
	return [...faults];
})`

// TestPageFits measures the page from the smallest phone to a wide screen.
func TestPageFits(t *testing.T) {
	b := browse(t)
	for _, lang := range []string{"ru", "en"} {
		for name, r := range map[string]reports.Weekly{"sample": sample(t), "busy": busy(t)} {
			file := pageFile(t, writer(t, lang), r)
			for _, width := range []int{320, 360, 500, 768, 961, 1024, 1280, 1600} {
				b.open(file, width, "light")
				for _, fault := range eval[[]string](b, fmt.Sprintf("%s(%d)", broken, width)) {
					t.Errorf("%s, %s at %d: %s", name, lang, width, fault)
				}
			}
		}
	}
}

// TestPagePrints counts the sheets of paper that a report of 99 rows takes.
func TestPagePrints(t *testing.T) {
	b := browse(t)
	for _, lang := range []string{"ru", "en"} {
		b.open(pageFile(t, writer(t, lang), busy(t)), 1280, "light")
		pdf := b.keep("busy-" + lang + ".pdf")
		if n := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf, -1)); n < 3 || n > 6 {
			t.Errorf("%s: %d sheets, want at most 6", lang, n)
		}
	}
}

// TestFitFindsFaults checks that the measuring notices what it is for.
func TestFitFindsFaults(t *testing.T) {
	b := browse(t)
	file := filepath.Join(t.TempDir(), "page.html")
	for markup, faulty := range map[string]bool{
		`<p style="width: 15em">whole words</p>`:                             false,
		`<p style="width: 4em">whole-<wbr>words</p>`:                         false,
		`<p style="width: 4em; overflow-wrap: anywhere">unzerbrechlich</p>`:  true,
		`<p style="width: 4em">unzerbrechlich</p>`:                           true,
		`<p style="width: 2000px">wide</p>`:                                  true,
		`<p style="width: 4em; word-break: break-all">ab cdefghijklmnop</p>`: true,
	} {
		if err := os.WriteFile(file, []byte("<!doctype html><meta name=viewport content='width=device-width'>"+markup), 0o600); err != nil {
			t.Fatal(err)
		}
		b.open(file, 320, "light")
		if faults := eval[[]string](b, broken+"(320)"); (len(faults) > 0) != faulty {
			t.Errorf("%s: %v", markup, faults)
		}
	}
}

// TestBreaks checks where a name may break: after its dots, hyphens and the like; a
// label without any of them after as many letters as the narrowest phone shows.
func TestBreaks(t *testing.T) {
	for text, want := range map[string]string{
		"shop.ru":                                "shop.ru",
		"127.80.0.10, 203.0.113.200":             "127.80.0.10, 203.0.113.200",
		"stomatologiya-na-leninskom.ru":          "stomatologiya-<wbr>na-leninskom.<wbr>ru",
		"Зарегистрированный домен":               "Зарегистрированный домен",
		"<b>@example.com & co":                   "&lt;b&gt;@<wbr>example.<wbr>com &amp; co",
		"abcdefghijklmnopqrstuvwxyzabcdefgh.com": "abcdefghijklmnopqrstuvwx<wbr>yzabcdefgh.<wbr>com",
	} {
		if got := string(breaks(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
