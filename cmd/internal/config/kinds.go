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

// kind is a kind of value, `is` in the field table. Its problem and its hint in
// the catalogs have its name.
type kind struct {
	takes  form
	read   func(f field, v scalar) (any, *problem)
	schema map[string]any // JSON Schema of the value
}

// kinds returns a kind by its name; the zero kind if there is none.
func kinds(name string) kind {
	return map[string]kind{
		"word":       {letters, readWord, typed("string")},
		"truth":      {truth, readTruth, typed("boolean")},
		"count":      {whole, readCount, typed("integer")},
		"share":      {letters | decimal, readShare, shareSchema()},
		"hours":      {letters, readHours, patterned(`^([01][0-9]|2[0-3]):[0-5][0-9] ?[-–] ?([01][0-9]|2[0-3]):[0-5][0-9]$`)},
		"duration":   {letters, readDuration, patterned(`^([0-9]+d)?([0-9.]+(h|m|s|ms))*$`)},
		"chat":       {letters, readChat, patterned(addressPattern())},
		"person":     {letters, readPerson, patterned(addressPattern())},
		"glob":       {letters, readGlob, typed("string")},
		"target":     {letters, readTarget, patterned(targetPattern())},
		"cron":       {letters, readCron, typed("string")},
		"zone":       {letters, readZone, typed("string")},
		"database":   {letters, readDatabase, patterned(`^(auto$|/|mysql://|\$\{)`)},
		"path":       {letters, readPath, patterned(`^(/|\$\{)`)},
		"name":       {letters, readName, patterned(panelName.String())},
		"address":    {letters, readAddress, typed("string")},
		"resolver":   {letters, readResolver, typed("string")},
		"listen":     {letters, readListen, typed("string")},
		"hublisten":  {letters, readHubListen, typed("string")},
		"endpoint":   {letters, readEndpoint, typed("string")},
		"hub":        {letters, readHub, patterned(`^(tls://|\$\{)`)},
		"network":    {letters, readNetwork, patterned(networkForm.String())},
		"country":    {letters, readCountry, patterned(countryForm.String())},
		"server":     {letters, readServer, typed("string")},
		"domain":     {letters, readDomain, typed("string")},
		"log":        {letters, readLog, patterned(`^(/|\$\{)[^*]*\*?[^*]*$`)},
		"settings":   {letters, readSettings, patterned(`^(/|\$\{)`)},
		"url":        {letters, readURL, patterned(`^(https?://|\$\{)`)},
		"mailserver": {letters, readMailServer, typed("string")},
		"mailbox":    {letters, readMailbox, patterned(`^([^@]+@[^@]+|\$\{.*)$`)},
		"label":      {letters, readLabel, patterned(panelName.String())},
		"mediatype":  {letters, readMediaType, typed("string")},
		"proxy":      {letters, readProxy, patterned(`^(http|socks5h?)://|^\$\{`)},
	}[name]
}

func readWord(f field, v scalar) (any, *problem) {
	if slices.Contains(f.words, v.text) {
		return v.text, nil
	}
	args := f.args(v)
	if near := similar(v.text, f.words); near != "" {
		args["Near"] = near
		return nil, wrong("word", args).withHint("similar")
	}
	return nil, wrong("word", args)
}

func readTruth(f field, v scalar) (any, *problem) { return v.text == "true", nil }

func readCount(f field, v scalar) (any, *problem) {
	n, err := strconv.Atoi(v.text)
	least, _ := strconv.Atoi(f.least)
	most, _ := strconv.Atoi(f.most)
	switch {
	case f.most != "" && n > most: // Atoi returns the largest int if the number is larger
		return nil, wrong("most", f.args(v))
	case err != nil, n > math.MaxInt32:
		return nil, wrong("large", f.args(v)).withHint("count")
	case n < least:
		return nil, wrong("least", f.args(v))
	}
	return n, nil
}

// readShare takes a share between 0 and 1: 7/90, 8%, 0.08.
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
	if !(share > 0 && share < 1) { // a NaN is not valid either
		return nil, wrong("share", f.args(v))
	}
	return share, nil
}

// number returns NaN for a text that is not a finite number.
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

// readDuration takes Go's durations, also with days before: 4h, 90m, 180d, 1d12h.
func readDuration(f field, v scalar) (any, *problem) {
	d, ok := duration(v.text)
	least, _ := duration(f.least)
	most, _ := duration(f.most)
	switch {
	case !ok:
		return nil, wrong("duration", f.args(v))
	case f.most != "" && d > most:
		return nil, wrong("most", f.args(v))
	case d >= tenYears: // a mistake, and far below an overflow
		return nil, wrong("large", f.args(v)).withHint("duration")
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
	return days + min(d, tenYears), err == nil // the sum cannot overflow
}

var hours = regexp.MustCompile(`^([01]\d|2[0-3]):([0-5]\d) ?[-–] ?([01]\d|2[0-3]):([0-5]\d)$`)

// readHours takes 22:00-08:00. Hours that begin when they end would be none, or
// the whole day.
func readHours(f field, v scalar) (any, *problem) {
	parts := hours.FindStringSubmatch(v.text)
	if parts == nil {
		return nil, wrong("hours", f.args(v))
	}
	minutes := func(hour, minute string) int {
		h, _ := strconv.Atoi(hour) // the pattern has digits only
		m, _ := strconv.Atoi(minute)
		return 60*h + m
	}
	read := Hours{minutes(parts[1], parts[2]), minutes(parts[3], parts[4])}
	if read.From == read.To {
		return nil, wrong("hours", f.args(v))
	}
	return read, nil
}

// readGlob takes patterns of path.Match.
func readGlob(f field, v scalar) (any, *problem) {
	if _, err := path.Match(v.text, ""); err != nil || v.text == "" {
		return nil, wrong("glob", f.args(v))
	}
	return v.text, nil
}

var panelName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// readName takes a name of a panel: it is a word of commands.
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

// readPath takes absolute paths only, since run and ask start in different
// folders.
func readPath(f field, v scalar) (any, *problem) {
	if !filepath.IsAbs(v.text) || strings.ContainsAny(v.text, "\n\x00") {
		return nil, wrong("path", f.args(v))
	}
	return filepath.Clean(v.text), nil
}

// readSettings takes full paths with the wildcards of path.Match.
func readSettings(f field, v scalar) (any, *problem) {
	if _, err := filepath.Match(v.text, ""); err != nil || !isFile(v.text) {
		return nil, wrong("settings", f.args(v))
	}
	return filepath.Clean(v.text), nil
}

// readLog takes the full path of an access log; one * stands for the domain.
func readLog(f field, v scalar) (any, *problem) {
	if strings.Count(v.text, "*") > 1 {
		return nil, wrong("log.stars", f.args(v))
	}
	if !isFile(v.text) {
		return nil, wrong("log", f.args(v))
	}
	return filepath.Clean(v.text), nil
}

// isFile reports whether a path is absolute, does not climb by .. out of a
// folder that a wildcard stands for, and does not end as a folder.
func isFile(path string) bool {
	return filepath.IsAbs(path) && !strings.ContainsAny(path, "\n\x00") && !strings.HasSuffix(path, "/") &&
		!slices.Contains(strings.Split(path, "/"), "..")
}
