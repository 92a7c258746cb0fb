package config

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"syscall"
	"time"
	"unicode/utf8"
)

// Load reads the config file; the faults are all that is wrong with it, and
// there is no Config when there are any. What only Run needs, such as tokens
// that this user may not read, is left to CheckRun.
func Load(file string, env Env) (*Config, Faults) {
	text, p := readSource(file)
	if p != nil {
		return nil, Faults{{File: file, Key: p.key, Hint: p.hint, Args: p.args}}
	}
	cfg, faults := load(file, text, env)
	if cfg != nil && cfg.Resolvers == nil { // the file is silent; [] says nobody
		cfg.Resolvers, cfg.origin.system = systemResolvers(systemFile), true
	}
	return cfg, faults
}

// AsksSystem tells that the file names no resolvers, so that the system's are
// asked.
func (c *Config) AsksSystem() bool { return c.origin.system }

func load(file string, text []byte, env Env) (*Config, Faults) {
	r := &reader{file: file, env: env, places: map[string]place{}}
	root, at, p := parse(text)
	r.places[""] = at
	switch {
	case p != nil:
		r.fault("", p)
		return nil, r.faults
	case blank(root):
		return nil, Faults{{File: file, Key: "config.file.empty", Hint: "config.hint.file.empty"}}
	}
	cfg := &Config{}
	r.section(root, "", reflect.ValueOf(cfg).Elem())
	r.complete(cfg)
	r.check(cfg)
	if r.faults.sort(); len(r.faults) > 0 {
		return nil, r.faults
	}
	r.later.sort()
	cfg.origin = origin{file: file, later: r.later}
	return cfg, nil
}

// Default returns a section, such as Thresholds, with every key at its default.
// The defaults stand in the struct tags alone.
func Default[T any]() (section T) {
	r := &reader{places: map[string]place{}} // collects "needed" faults that nobody asks for
	r.section(nil, "", reflect.ValueOf(&section).Elem())
	return section
}

// CheckRun tells what stops Domovoy from speaking in chats: ask, console and
// the like do without a messenger.
func (c *Config) CheckRun() Faults {
	faults := append(Faults(nil), c.origin.later...)
	name := ""
	switch {
	case !slices.ContainsFunc(messengers(), func(m messenger) bool { return m.isOn(c.Messengers) }):
		name = "mute.messenger"
	case len(c.Chats) == 0:
		name = "mute.chat"
	default:
		return faults
	}
	p := wrong(name, nil)
	return append(Faults{{File: c.origin.file, Key: p.key, Hint: p.hint}}, faults...)
}

// complete fills in what one key takes from another.
func (r *reader) complete(c *Config) {
	c.Timezone = cmp.Or(c.Timezone, time.Local)
	for i := range c.Panels {
		c.Panels[i].Timezone = cmp.Or(c.Panels[i].Timezone, c.Timezone)
	}
	for i := range c.Chats {
		c.Chats[i].Language = cmp.Or(c.Chats[i].Language, c.Language)
	}
	for _, l := range c.Thresholds.levels() {
		if !r.given(l.path+".warn") && *l.warn > *l.critical {
			*l.warn = 0
		}
	}
}

// given tells whether the file has a value at the path.
func (r *reader) given(path string) bool {
	p, ok := r.places[path]
	return ok && !p.blank
}

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

// maxSize keeps the parser quick: its time grows with the square of what it
// reads. A file of a thousand commented lines is well below.
const maxSize = 64 << 10 // bytes

// readSource gives the text of the config file without its byte order mark.
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
