// Package console talks with one person in a terminal.
//
// It is a full messenger: Send and Edit print, Listen stores the typed lines. A
// caller that needs an answer before the next line is read (for a script, a
// transcript, a demonstration) uses Run in place of Listen. In terminal mode a
// message that is sent while a person types appears above the unfinished line.
//
// A message's buttons are numbered; typing a number presses that button of the
// last message with buttons. Control characters are removed from all texts, so
// that the answer of a web server cannot move the cursor.
package console

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/term"

	"domovoy/bot"
	"domovoy/i18n"
	"domovoy/reports"
)

// name is the messenger's name in addresses.
const name = "console"

const (
	prompt       = "domovoy> "
	defaultWidth = 80 // columns
)

// Options configures a console; all may be zero.
type Options struct {
	Language string // of the console's own texts
	Person   string // the id of the person who types, such as local:root, for Listen
	Width    int    // columns; 0: the terminal's, or 80
	Colour   bool
	Terminal bool   // edit lines and show a prompt; in and out must be the same terminal
	Folder   string // for attached files; empty: they are not saved
}

// Console is a bot.Messenger with one chat. Send and Edit are safe for concurrent use,
// also during Run or Listen.
type Console struct {
	in      io.Reader
	out     io.Writer
	lines   *bufio.Reader  // piped mode
	term    *term.Terminal // terminal mode; nil when piped
	bundle  *i18n.Bundle
	options Options

	mu      sync.Mutex // guards the fields below, and writing
	buttons []reports.Action
	shown   int // number of messages so far, by which they are identified
}

var _ bot.Messenger = (*Console)(nil)

// New returns a console that reads from in and writes to out.
func New(in io.Reader, out io.Writer, bundle *i18n.Bundle, options Options) *Console {
	c := &Console{in: in, out: out, bundle: bundle, options: options}
	if options.Terminal {
		c.term = term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{in, out}, prompt)
	} else {
		c.lines = bufio.NewReader(in)
	}
	return c
}

// Send prints a message and saves its files. The returned reference is a number.
func (c *Console) Send(_ context.Context, _ bot.Address, _ string, m reports.Message) (string, error) {
	return c.show("", m)
}

// Edit prints a message with a line that says that it replaces another one, since
// printed text cannot be changed.
func (c *Console) Edit(_ context.Context, _ bot.Address, _ string, m reports.Message) error {
	_, err := c.show(c.bundle.Locale(m.Language, nil).Say("console.replaces"), m)
	return err
}

// show prints a message with a blank line after it, below an introduction, which may
// be empty.
func (c *Console) show(introduction string, m reports.Message) (string, error) {
	var text strings.Builder
	if introduction != "" {
		text.WriteString(introduction + "\n")
	}
	text.WriteString(Render(m, c.bundle, c.width(), c.options.Colour))
	for _, file := range m.Files {
		text.WriteString(c.save(file, m.Language) + "\n")
	}
	text.WriteString("\n")

	c.mu.Lock()
	defer c.mu.Unlock()
	if len(m.Actions) > 0 {
		c.buttons = m.Actions
	}
	c.shown++
	return strconv.Itoa(c.shown), c.write(text.String())
}

// say prints one line by the console itself.
func (c *Console) say(line string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.write(line + "\n\n")
}

// write writes a text; the caller holds c.mu.
func (c *Console) write(text string) error {
	out := c.out
	if c.term != nil {
		out = c.term
	}
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("writing to the console: %w", err)
	}
	return nil
}

// pressed returns the button with that number of the last message with buttons.
func (c *Console) pressed(number int) (reports.Action, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if number < 1 || number > len(c.buttons) || c.buttons[number-1].Command == "" {
		return reports.Action{}, false
	}
	return c.buttons[number-1], true
}

func (c *Console) width() int {
	if c.options.Width > 0 {
		return c.options.Width
	}
	if file, ok := c.out.(*os.File); ok && c.term != nil {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	return defaultWidth
}

// locale is for the console's own texts.
func (c *Console) locale() *i18n.Locale { return c.bundle.Locale(c.options.Language, nil) }

// maxNamesakes is the highest number that Store adds to a name that is taken.
const maxNamesakes = 1000

// save writes a file into the folder, if there is one, and returns a line about the
// result.
func (c *Console) save(file reports.File, language string) string {
	locale := c.bundle.Locale(language, nil)
	args := i18n.Args{"Name": oneLine(file.Name), "Size": size(locale, len(file.Data))}
	if c.options.Folder == "" {
		return locale.Say("console.file.unsaved", args)
	}
	path, err := Store(c.options.Folder, file)
	if err != nil {
		args["Error"] = clean(err.Error())
		return locale.Say("console.file.failed", args)
	}
	args["Path"] = path
	return locale.Say("console.file.saved", args)
}

// Store writes a file into a folder, which it creates if necessary, and returns the
// path. It never overwrites a file: if the name is taken it adds a number. It never
// writes outside the folder, since names may come from a panel's database.
func Store(folder string, file reports.File) (string, error) {
	root, err := openFolder(folder)
	if err != nil {
		return "", err
	}
	defer root.Close()
	base := baseName(file)
	extension := filepath.Ext(base)
	for n := 1; n <= maxNamesakes; n++ {
		name := base
		if n > 1 {
			name = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(base, extension), n, extension)
		}
		err := create(root, name, file.Data)
		if err == nil {
			return filepath.Join(folder, name), nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("%s: %w", base, fs.ErrExist)
}

// Replace is Store, but a file of the same name is replaced, in one step: a report
// that is written every week must not fill its folder with copies.
func Replace(folder string, file reports.File) (string, error) {
	root, err := openFolder(folder)
	if err != nil {
		return "", err
	}
	defer root.Close()
	name := baseName(file)
	fresh := "." + name + ".new"
	if err := root.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) { // left by one that was interrupted
		return "", err
	}
	if err := create(root, fresh, file.Data); err != nil {
		return "", err
	}
	return filepath.Join(folder, name), root.Rename(fresh, name)
}

// openFolder opens a folder, which it creates if necessary.
func openFolder(folder string) (*os.Root, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	return os.OpenRoot(folder)
}

// baseName is a file's name without a folder.
func baseName(file reports.File) string {
	base := filepath.Base(oneLine(file.Name))
	if strings.Trim(base, "./") == "" {
		return "file"
	}
	return base
}

func create(root *os.Root, name string, data []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

const kilobyte = 1 << 10

// size rounds up to a whole kilobyte, or to a tenth of a megabyte.
func size(locale *i18n.Locale, bytes int) string {
	switch {
	case bytes < kilobyte:
		return locale.Say("console.size.bytes", i18n.Args{"N": bytes})
	case bytes < kilobyte*kilobyte:
		return locale.Say("console.size.kilobytes", i18n.Args{"N": (bytes + kilobyte - 1) / kilobyte})
	}
	return locale.Say("console.size.megabytes", i18n.Args{"N": float64(bytes) / (kilobyte * kilobyte)})
}
