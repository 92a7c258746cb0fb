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

// Run gives each line to handle and prints the answer before it reads the
// next one. It ends without an error when the input or the context does, or
// when somebody says quit. An error of handle is told, and does not end it.
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

// Listen stores each line as an update. It ends like Run.
func (c *Console) Listen(ctx context.Context, inbox bot.Inbox) error {
	// The updates of an earlier console have the same journal.
	session := strconv.FormatInt(time.Now().UnixNano(), 36)
	count := 0
	return c.each(ctx, func(ctx context.Context, line string, button reports.Action) error {
		count++
		said := bot.Update{
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
			said.Text, said.Button = "", button.ID
		case button.Command != "":
			said.Text = button.Command
		}
		return inbox.Receive(ctx, []bot.Update{said}, "")
	})
}

// Chat is the only chat a console has.
func Chat() bot.Address { return bot.Address{Messenger: name, Chat: "local"} }

// each calls do with every line that means something; button is the one that
// the line pressed, if it was a number.
func (c *Console) each(ctx context.Context, do func(context.Context, string, reports.Action) error) error {
	for {
		line, err := c.readLine(ctx)
		line = strings.TrimSpace(line)
		switch {
		case ctx.Err() != nil, errors.Is(err, io.EOF) && line == "", farewell(line):
			return c.leave()
		case err != nil && !errors.Is(err, io.EOF):
			return fmt.Errorf("reading the console: %w", err)
		case line == "":
			continue
		}
		if err := c.obey(ctx, line, do); err != nil {
			return err
		}
	}
}

func (c *Console) obey(ctx context.Context, line string, do func(context.Context, string, reports.Action) error) error {
	var button reports.Action
	if number, err := strconv.Atoi(line); err == nil {
		var there bool
		if button, there = c.pressed(number); !there {
			return c.say(c.locale().Say("console.nobutton", i18n.Args{"Button": line}))
		}
	}
	err := do(ctx, line, button)
	if err == nil || ctx.Err() != nil {
		return nil //nolint:nilerr // whoever asked is leaving
	}
	return c.say(c.locale().Say("console.failed", i18n.Args{"Error": clean(err.Error())}))
}

// farewell says whether a line ends the conversation.
func farewell(line string) bool {
	return slices.Contains([]string{"quit", "exit", "выход"}, strings.ToLower(line))
}

// leave gives the shell a fresh line below the prompt.
func (c *Console) leave() error {
	if c.term != nil {
		_, _ = io.WriteString(c.out, "\r\n") // nobody is left to tell
	}
	return nil
}

// readLine waits for a line or the end of the context. In the latter case the
// reading goroutine stays behind until the input says something: nothing can
// interrupt a read from a terminal.
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

// raw takes the terminal's own line editing away for as long as a line is
// typed, and no longer: while a command runs, Ctrl-C is a signal again.
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
