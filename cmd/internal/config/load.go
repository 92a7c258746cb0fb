package config

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

// Load reads the config file. It returns either a Config or all faults of the
// file. Faults that matter to run only, such as a token that this user cannot
// read, are left to CheckRun.
func Load(file string, env Env) (*Config, Faults) {
	text, p := readSource(file)
	if p != nil {
		return nil, Faults{p.at(file, place{}, "")}
	}
	cfg, faults := load(file, text, env)
	if cfg != nil && cfg.Resolvers == nil { // no such key; [] is an empty list
		cfg.Resolvers, cfg.origin.systemResolvers = systemResolvers(systemFile), true
	}
	return cfg, faults
}

// UsesSystemResolvers reports whether Resolvers are the system's, since the file
// names none.
func (c *Config) UsesSystemResolvers() bool { return c.origin.systemResolvers }

// File is the configuration's own file.
func (c *Config) File() string { return c.origin.file }

// SecretFiles are the files that secrets were read from, which may be replaced at
// any time.
func (c *Config) SecretFiles() []string { return c.origin.secretFiles }

// Unplaced reads a file whose only faults are that its state can have no place where
// it is to be: such a program cannot run, but can say why. nil: it has none of these
// faults, or others too.
func Unplaced(file string, env Env) *Config {
	return onlyWith(file, env, func(f Fault) bool { return f.Key == "config.state.folder" || f.Key == "config.state.place" })
}

// WrongSecrets reads a file whose only faults are that files of its secrets are empty or
// have something else: setup can ask for these and keep the rest. nil: it has none of
// these faults, or others too.
func WrongSecrets(file string, env Env) *Config {
	return onlyWith(file, env, func(f Fault) bool {
		return f.Key == "config.secret.empty" || slices.ContainsFunc(allSecrets(), func(c credential) bool { return f.Key == "config.secret."+c.shape })
	})
}

// onlyWith reads a file that has faults, all of them of this kind.
func onlyWith(file string, env Env, kind func(Fault) bool) *Config {
	text, p := readSource(file)
	if p != nil {
		return nil
	}
	cfg, faults := readText(file, text, env)
	if len(faults) == 0 || slices.ContainsFunc(faults, func(f Fault) bool { return !kind(f) }) {
		return nil
	}
	return cfg
}

func load(file string, text []byte, env Env) (*Config, Faults) {
	cfg, faults := readText(file, text, env)
	if len(faults) > 0 {
		return nil, faults
	}
	return cfg, nil
}

// readText returns the configuration as far as it could be read, with its faults.
func readText(file string, text []byte, env Env) (*Config, Faults) {
	r := &reader{file: file, env: env, places: map[string]place{}}
	root, at, p := parse(text)
	r.places[""] = at
	switch {
	case p != nil:
		r.fault("", p)
		return nil, r.faults
	case blank(root):
		return nil, Faults{wrong("file.empty", nil).at(file, place{}, "")}
	}
	cfg := &Config{}
	r.section(root, "", reflect.ValueOf(cfg).Elem())
	r.complete(cfg)
	r.check(cfg)
	r.faults.sort()
	r.runFaults.sort()
	cfg.origin = origin{file: file, runFaults: r.runFaults, secretFiles: r.secretFiles}
	return cfg, r.faults
}

// Default returns a section, such as Thresholds, with each key at its default.
// It is the only way to the defaults besides Load: they stand in the struct tags.
func Default[T any]() (section T) {
	r := &reader{places: map[string]place{}} // its faults are required keys that are absent
	r.section(nil, "", reflect.ValueOf(&section).Elem())
	return section
}

// CheckRun returns the faults that stop run, which needs a messenger and a chat.
// Commands such as ask and console work with them.
func (c *Config) CheckRun() Faults {
	faults, name := slices.Clone(c.origin.runFaults), ""
	_, enrolled := c.Fleet.Enrolment()
	switch {
	case enrolled:
		name = "run.agent"
	case !c.hasMessenger():
		name = "mute.messenger"
	case len(c.Chats) == 0:
		name = "mute.chat"
	default:
		return faults
	}
	return append(Faults{wrong(name, nil).at(c.origin.file, place{}, "")}, faults...)
}

func (c *Config) hasMessenger() bool {
	return slices.ContainsFunc(messengers(), func(m messenger) bool { return m.isOn(c.Messengers) })
}

// complete sets the keys whose default is the value of another key, or comes from
// the environment.
func (r *reader) complete(c *Config) {
	if folders, _ := r.env("STATE_DIRECTORY"); filepath.IsAbs(folders) && !r.hasValue("state") {
		first, _, _ := strings.Cut(folders, ":") // systemd.exec(5): one of StateDirectory= is Domovoy's
		c.State = filepath.Join(first, filepath.Base(c.State))
	}
	c.Timezone = cmp.Or(c.Timezone, time.Local)
	for i := range c.Panels {
		c.Panels[i].Timezone = cmp.Or(c.Panels[i].Timezone, c.Timezone)
	}
	for i := range c.Chats {
		c.Chats[i].Language = cmp.Or(c.Chats[i].Language, c.Language)
	}
	for i := range c.Escalation {
		c.Escalation[i].Language = cmp.Or(c.Escalation[i].Language, c.Language)
	}
	for _, l := range c.Thresholds.levels() {
		if !r.hasValue(l.path+".warn") && *l.warn > *l.critical {
			*l.warn = 0
		}
	}
}

// hasValue reports whether the file has a value at the path.
func (r *reader) hasValue(path string) bool {
	p, ok := r.places[path]
	return ok && !p.blank
}

// level is a pair of thresholds, by the path of its section.
type level struct {
	path           string
	warn, critical *int
}

func (t *Thresholds) levels() []level {
	return []level{
		{"thresholds.processing", &t.Processing.Warn, &t.Processing.Critical},
		{"thresholds.failed", &t.Failed.Warn, &t.Failed.Critical},
		{"thresholds.failing", &t.Failing.Warn, &t.Failing.Critical},
		{"thresholds.overdue", &t.Overdue.Warn, &t.Overdue.Critical},
	}
}

// maxSize bounds the time of the parser, which grows with the square of the
// size. A file of a thousand commented lines is well below it.
const maxSize = 64 << 10 // bytes

// readSource returns the text of the config file without a byte order mark.
func readSource(name string) ([]byte, *problem) {
	text, err := readSmall(name, maxSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, wrong("file.missing", nil)
	case errors.Is(err, fs.ErrPermission):
		return nil, wrong("file.denied", nil)
	case errors.Is(err, errFolder):
		return nil, wrong("file.folder", nil)
	case errors.Is(err, errTooLarge):
		return nil, wrong("file.large", map[string]any{"Kilobytes": maxSize >> 10})
	case err != nil:
		return nil, wrong("file.unreadable", nil)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}) { // the mark of UTF-16 (RFC 2781 section 3.2)
		return nil, wrong("file.utf16", nil)
	}
	if !utf8.Valid(text) || bytes.ContainsRune(text, 0) {
		return nil, wrong("file.encoding", nil)
	}
	return text, nil
}

var (
	errFolder    = errors.New("a folder, not a file")
	errIrregular = errors.New("not a regular file")
	errTooLarge  = errors.New("too large")
)

// readSmall reads a regular file of at most limit bytes.
func readSmall(name string, limit int64) ([]byte, error) {
	// Without O_NONBLOCK, opening a named pipe waits for its writer.
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errFolder
	case !info.Mode().IsRegular():
		return nil, errIrregular
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = errTooLarge
	}
	return text, err
}
