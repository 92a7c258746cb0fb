package config

import (
	"math"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kind is what may stand as a value: `is` in the field table. Its problems
// have its own name in the catalog, so that each hint can give an example.
type kind struct {
	takes  form
	read   func(f field, v scalar) (any, *problem)
	schema map[string]any // JSON Schema of the value
}

// kinds gives a kind by its name; the zero kind takes nothing.
func kinds(name string) kind {
	switch name {
	case "word":
		return kind{letters, readWord, typed("string")}
	case "truth":
		return kind{truth, readTruth, typed("boolean")}
	case "count":
		return kind{whole, readCount, typed("integer")}
	case "share":
		return kind{letters | decimal, readShare, shareSchema()}
	case "duration":
		return kind{letters, readDuration, patterned(`^([0-9]+d)?([0-9.]+(h|m|s|ms))*$`)}
	case "chat":
		return kind{letters, readChat, patterned(addressPattern())}
	case "person":
		return kind{letters, readPerson, patterned(addressPattern())}
	case "glob":
		return kind{letters, readGlob, typed("string")}
	case "cron":
		return kind{letters, readCron, typed("string")}
	}
	return placeKinds(name)
}

// placeKinds are those of where something is: a zone, a file, a server.
func placeKinds(name string) kind {
	switch name {
	case "zone":
		return kind{letters, readZone, typed("string")}
	case "path":
		return kind{letters, readPath, patterned(`^(/|\$\{)`)}
	case "name":
		return kind{letters, readName, patterned(panelName.String())}
	case "address":
		return kind{letters, readAddress, typed("string")}
	case "resolver":
		return kind{letters, readResolver, typed("string")}
	case "server":
		return kind{letters, readServer, typed("string")}
	case "domain":
		return kind{letters, readDomain, typed("string")}
	case "log":
		return kind{letters, readLog, patterned(`^(/|\$\{)[^*]*\*?[^*]*$`)}
	case "settings":
		return kind{letters, readSettings, patterned(`^(/|\$\{)`)}
	case "url":
		return kind{letters, readURL, patterned(`^(https?://|\$\{)`)}
	case "proxy":
		return kind{letters, readProxy, patterned(`^(http|socks5h?)://|^\$\{`)}
	}
	return kind{}
}

func readWord(f field, v scalar) (any, *problem) {
	if slices.Contains(f.words, v.text) {
		return v.text, nil
	}
	args := f.args(v)
	if near := similar(v.text, f.words); near != "" {
		args["Near"] = near
		return nil, wrong("word", args).try("similar")
	}
	return nil, wrong("word", args)
}

func readTruth(f field, v scalar) (any, *problem) { return v.text == "true", nil }

func readCount(f field, v scalar) (any, *problem) {
	n, err := strconv.Atoi(v.text)
	least, _ := strconv.Atoi(f.least)
	most, _ := strconv.Atoi(f.most)
	switch {
	case f.most != "" && n > most: // Atoi gives the greatest for what is too great for it
		return nil, wrong("most", f.args(v))
	case err != nil, n > math.MaxInt32:
		return nil, wrong("large", f.args(v)).try("count")
	case n < least:
		return nil, wrong("least", f.args(v))
	}
	return n, nil
}

// readShare takes a part of one: 7/90, 8%, 0.08.
func readShare(f field, v scalar) (any, *problem) {
	above, below, divided := strings.Cut(v.text, "/")
	percent, isPercent := strings.CutSuffix(v.text, "%")
	share := number(v.text)
	switch {
	case divided:
		share = number(above) / number(below)
	case isPercent:
		share = number(percent) / 100
	}
	if !(share > 0 && share < 1) { // so that a NaN is refused too
		return nil, wrong("share", f.args(v))
	}
	return share, nil
}

// number is NaN for what is none.
func number(s string) float64 {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsInf(n, 0) {
		return math.NaN()
	}
	return n
}

const (
	day      = 24 * time.Hour
	tenYears = 3650 * day
)

// readDuration takes Go's form with days before it: 4h, 90m, 180d, 1d12h.
func readDuration(f field, v scalar) (any, *problem) {
	d, ok := duration(v.text)
	least, _ := duration(f.least)
	most, _ := duration(f.most)
	switch {
	case !ok:
		return nil, wrong("duration", f.args(v))
	case f.most != "" && d > most:
		return nil, wrong("most", f.args(v))
	case d >= tenYears: // more than anyone means, and far from an overflow
		return nil, wrong("large", f.args(v)).try("duration")
	case d < least:
		return nil, wrong("least", f.args(v))
	}
	return d, nil
}

func duration(s string) (time.Duration, bool) {
	var days time.Duration
	if before, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(before, 10, 16)
		if err != nil {
			return 0, false
		}
		days, s = time.Duration(n)*day, rest
	}
	d, err := time.Duration(0), error(nil)
	if s != "" || days == 0 {
		d, err = time.ParseDuration(s)
	}
	return days + min(d, tenYears), err == nil // so that the sum does not overflow
}

// readGlob takes patterns of path.Match.
func readGlob(f field, v scalar) (any, *problem) {
	if _, err := path.Match(v.text, ""); err != nil || v.text == "" {
		return nil, wrong("glob", f.args(v))
	}
	return v.text, nil
}

var panelName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

func readName(f field, v scalar) (any, *problem) {
	if !panelName.MatchString(v.text) || len(v.text) > 63 {
		return nil, wrong("name", f.args(v))
	}
	return v.text, nil
}

// readZone takes a name of the IANA time zone database.
func readZone(f field, v scalar) (any, *problem) {
	zone, err := time.LoadLocation(v.text)
	if err != nil {
		return nil, wrong("zone", f.args(v))
	}
	return zone, nil
}

// readPath takes absolute paths only: run starts in the folder of systemd's
// choice, ask in the one its user happens to be in.
func readPath(f field, v scalar) (any, *problem) {
	if !filepath.IsAbs(v.text) || strings.ContainsAny(v.text, "\n\x00") {
		return nil, wrong("path", f.args(v))
	}
	return filepath.Clean(v.text), nil
}

// readSettings takes full paths with the wildcards of path.Match.
func readSettings(f field, v scalar) (any, *problem) {
	_, err := filepath.Match(v.text, "")
	if err != nil || !filepath.IsAbs(v.text) || strings.ContainsAny(v.text, "\n\x00") || strings.HasSuffix(v.text, "/") ||
		slices.Contains(strings.Split(v.text, "/"), "..") {
		return nil, wrong("settings", f.args(v))
	}
	return filepath.Clean(v.text), nil
}

// readLog takes the full path of an access log; one * stands for the domain.
func readLog(f field, v scalar) (any, *problem) {
	switch {
	case strings.Count(v.text, "*") > 1:
		return nil, wrong("log.stars", f.args(v))
	case !filepath.IsAbs(v.text), strings.ContainsAny(v.text, "\n\x00"), strings.HasSuffix(v.text, "/"),
		slices.Contains(strings.Split(v.text, "/"), ".."):
		return nil, wrong("log", f.args(v))
	}
	return filepath.Clean(v.text), nil
}
