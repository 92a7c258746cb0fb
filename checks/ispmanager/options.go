package ispmanager

import (
	"os"
	"path/filepath"
	"strings"

	"domovoy/checks"
	"domovoy/checks/ispmanager/location"
)

// optionsName is the name of the panel's configuration file.
const optionsName = "ispmgr.conf"

// optionsFile is the panel's configuration file, which is read again when it
// changes.
type optionsFile struct {
	path string // empty: not known
	info os.FileInfo
	last *checks.Options // nil: there is no such file
}

// optionsOf returns the configuration file that belongs to a panel: beside its
// SQLite file, or above the folder with its db.conf.
func optionsOf(cfg Config) optionsFile {
	at, err := location.Parse(cfg.Database)
	switch {
	case err != nil:
		return optionsFile{path: filepath.Join(filepath.Dir(cfg.Database), optionsName)}
	case at.Path != "":
		return optionsFile{path: filepath.Join(filepath.Dir(at.Path), optionsName)}
	case cfg.Conf == "":
		return optionsFile{}
	}
	folder := filepath.Dir(cfg.Conf)
	if filepath.Base(folder) == confFolder {
		folder = filepath.Dir(folder)
	}
	return optionsFile{path: filepath.Join(folder, optionsName)}
}

// look returns the options, and whether they are others than before. What cannot
// be read is tried again each time.
func (f *optionsFile) look() (options *checks.Options, changed bool) {
	if f.path == "" {
		return nil, false
	}
	info, failure := stat(f.path)
	if failure == nil && f.last != nil && !f.last.Denied && unchanged(f.info, info) {
		return f.last, false
	}
	now := f.read(failure)
	if failure == nil {
		f.info = info
	}
	changed = (now == nil) != (f.last == nil) || now != nil && *now != *f.last
	if changed {
		f.last = now
	}
	return f.last, changed
}

func (f *optionsFile) read(failure *Error) *checks.Options {
	if failure != nil && failure.Reason == Gone {
		return nil
	}
	text, failure := confText(f.path)
	if failure != nil {
		return &checks.Options{Path: f.path, Denied: true}
	}
	return &checks.Options{Path: f.path, ACMELog: option(text, "EnableAcmeshDebug"), SkipAccount: option(text, "AcmeSkipAccountCheck")}
}

// option finds a switch among lines such as "Option NAME" or "NAME on"; the last
// one counts. It is off if there is none, and not known if its value is neither
// on nor off.
func option(text, name string) checks.Flag {
	value := checks.Off
	for line := range strings.Lines(text) {
		words := strings.Fields(strings.NewReplacer("=", " ", `"`, " ").Replace(line))
		if len(words) > 0 && strings.EqualFold(words[0], "Option") {
			words = words[1:]
		}
		if len(words) == 0 || !strings.EqualFold(words[0], name) {
			continue
		}
		switch strings.ToLower(strings.Join(words[1:], " ")) {
		case "", "on", "yes", "true", "1", "enable", "enabled":
			value = checks.On
		case "off", "no", "false", "0", "disable", "disabled":
			value = checks.Off
		default:
			value = checks.Unset
		}
	}
	return value
}
