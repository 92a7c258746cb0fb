package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"domovoy/bot"
	"domovoy/i18n"
	"domovoy/reports"
)

// Run passes each line to handle and prints the answer before it reads the next
// line. It returns nil at the end of the input, when the context ends, or after the
// line "quit". An error of handle is printed and does not end it.
func (c *Console) Run(ctx context.Context, handle func(ctx context.Context, line string) (reports.Message, error)) error {
	return c.each(ctx, func(ctx context.Context, line string, button reports.Action) error {
		if button.Command != "" {
			line = button.Command
		}
		m, err := handle(ctx, line)
		if err != nil {
			return err
		}
		_, err = c.show("", m)
		return err
	})
}

// Listen stores each line as an update in inbox. It ends like Run.
func (c *Console) Listen(ctx context.Context, inbox bot.Inbox) error {
	// Keys must differ from those of earlier consoles in the same journal.
	session := strconv.FormatInt(time.Now().UnixNano(), 36)
	count := 0
	return c.each(ctx, func(ctx context.Context, line string, button reports.Action) error {
		count++
		update := bot.Update{
			Messenger: name,
			Key:       fmt.Sprintf("%s-%d", session, count),
			Chat:      Chat().String(),
			Private:   true,
			Person:    c.options.Person,
			Name:      strings.TrimPrefix(c.options.Person, "local:"),
			Language:  c.options.Language,
			Text:      line,
			At:        time.Now(),
		}
		switch {
		case button.ID != "":
			update.Text, update.Button = "", button.ID
		case button.Command != "":
			update.Text = button.Command
		}
		return inbox.Receive(ctx, []bot.Update{update}, "")
	})
}

// Chat is the address of a console's only chat.
func Chat() bot.Address { return bot.Address{Messenger: name, Chat: "local"} }

// each calls do with every line that is not empty; button is the pressed one if the
// line is a number, otherwise it is zero.
func (c *Console) each(ctx context.Context, do func(context.Context, string, reports.Action) error) error {
	for {
		line, err := c.readLine(ctx)
		line = strings.TrimSpace(line)
		switch {
		case ctx.Err() != nil, errors.Is(err, io.EOF) && line == "", farewell(line):
			return c.end()
		case err != nil && !errors.Is(err, io.EOF):
			return fmt.Errorf("reading the console: %w", err)
		case line == "":
			continue
		}
		if err := c.handle(ctx, line, do); err != nil {
			return err
		}
	}
}

// handle calls do with one line and prints its error.
func (c *Console) handle(ctx context.Context, line string, do func(context.Context, string, reports.Action) error) error {
	var button reports.Action
	if number, err := strconv.Atoi(line); err == nil {
		var there bool
		if button, there = c.pressed(number); !there {
			return c.say(c.locale().Say("console.nobutton", i18n.Args{"Button": line}))
		}
	}
	err := do(ctx, line, button)
	if err == nil || ctx.Err() != nil {
		return nil //nolint:nilerr // the conversation is over
	}
	return c.say(c.locale().Say("console.failed", i18n.Args{"Error": clean(err.Error())}))
}

// farewell reports whether a line ends the conversation.
func farewell(line string) bool {
	return slices.Contains([]string{"quit", "exit", "выход"}, strings.ToLower(line))
}

// end moves the cursor to a new line below the prompt.
func (c *Console) end() error {
	if c.term != nil {
		_, _ = io.WriteString(c.out, "\r\n") // an error is of no interest any more
	}
	return nil
}

// readLine returns the next line, or the context's error when that ends first. In the
// latter case the reading goroutine remains until there is input: a read from a
// terminal cannot be interrupted.
func (c *Console) readLine(ctx context.Context) (string, error) {
	restore, err := c.raw()
	if err != nil {
		return "", err
	}
	defer restore()
	type typed struct {
		line string
		err  error
	}
	got := make(chan typed, 1)
	go func() {
		var t typed
		if c.term != nil {
			t.line, t.err = c.term.ReadLine()
		} else {
			t.line, t.err = c.lines.ReadString('\n')
		}
		got <- t
	}()
	select {
	case t := <-got:
		if errors.Is(t.err, term.ErrPasteIndicator) {
			t.err = nil
		}
		return t.line, t.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// raw switches off the terminal's own line editing until restore is called. That
// happens before a command runs, so that Ctrl-C is a signal then.
func (c *Console) raw() (restore func(), err error) {
	file, ok := c.in.(*os.File)
	if c.term == nil || !ok || !term.IsTerminal(int(file.Fd())) {
		return func() {}, nil
	}
	if columns, rows, err := term.GetSize(int(file.Fd())); err == nil {
		_ = c.term.SetSize(columns, rows) // fails only as writing would
	}
	state, err := term.MakeRaw(int(file.Fd()))
	if err != nil {
		return nil, fmt.Errorf("preparing the terminal: %w", err)
	}
	return func() { _ = term.Restore(int(file.Fd()), state) }, nil
}
