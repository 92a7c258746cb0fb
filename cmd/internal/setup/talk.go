package setup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"domovoy/bot/console"
	"domovoy/i18n"
)

// errLeft says that the person gave no answer: the input ended, or they said no.
var errLeft = errors.New("no answer")

// Talk is a conversation with one person in a terminal, or with a script on a pipe.
type Talk struct {
	out      io.Writer
	lines    *bufio.Reader
	terminal *os.File // nil: a pipe, whose lines are answers only to questions
	l        *i18n.Locale
	width    int         // columns
	reading  chan answer // of the read that is under way; nil: none
	show     func()      // ends that the terminal hides what is typed; nil: it does not
}

type answer struct {
	text string
	err  error
}

// NewTalk returns a conversation, in lines of at most so many columns.
func NewTalk(in io.Reader, out io.Writer, l *i18n.Locale, width int) *Talk {
	t := &Talk{out: out, lines: bufio.NewReader(in), l: l, width: width}
	if file, ok := in.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		t.terminal = file
	}
	return t
}

// say prints a text of the catalogs.
func (t *Talk) say(key string, args ...i18n.Args) {
	t.print(console.Wrap(t.l.Say(key, args...), t.width))
}

// note is say for what belongs to the line above.
func (t *Talk) note(key string, args ...i18n.Args) { t.tell(t.l.Say(key, args...)) }

// tell prints a text that belongs to the line above.
func (t *Talk) tell(text string) { t.indent(console.Wrap(text, t.width-4)) }

// indent prints what must stay in its lines, such as a command.
func (t *Talk) indent(text string) { t.print("  " + strings.ReplaceAll(text, "\n", "\n    ")) }

func (t *Talk) print(lines ...string) {
	for _, line := range lines {
		fmt.Fprintln(t.out, line)
	}
}

// read starts to read a line unless that is under way.
func (t *Talk) read() <-chan answer {
	if t.reading == nil {
		lines := make(chan answer, 1)
		t.reading = lines
		go func() {
			text, err := t.lines.ReadString('\n')
			if err != nil && text != "" {
				err = nil // the last line has no end
			}
			lines <- answer{strings.TrimSpace(text), err}
		}()
	}
	return t.reading
}

// hide has the terminal show nothing of what is typed, until reveal.
func (t *Talk) hide() {
	if t.terminal != nil && t.show == nil {
		t.show = hideTyping(t.terminal)
	}
}

func (t *Talk) reveal() {
	if t.show != nil {
		t.show()
		t.show = nil
	}
}

// ask prints a question and reads the answer, which is shown; an empty one is the
// default, which the question shows.
func (t *Talk) ask(ctx context.Context, question, otherwise string) (string, error) {
	if t.show != nil {
		t.reveal()
		defer t.hide()
	}
	return t.answer(ctx, question, otherwise)
}

func (t *Talk) answer(ctx context.Context, question, otherwise string) (string, error) {
	if otherwise != "" {
		question += " [" + otherwise + "]"
	}
	fmt.Fprint(t.out, console.Wrap(question, t.width-1)+" ")
	select {
	case got := <-t.read():
		t.reading = nil
		if t.terminal == nil || got.err != nil {
			fmt.Fprintln(t.out) // nobody pressed Enter on this screen
		}
		if got.err != nil {
			return "", errLeft
		}
		if got.text == "" {
			return otherwise, nil
		}
		return got.text, nil
	case <-ctx.Done():
		fmt.Fprintln(t.out)
		return "", errLeft
	}
}

// askSecret is ask without showing what is typed; an empty answer stays empty.
func (t *Talk) askSecret(ctx context.Context, question string) (string, error) {
	if t.terminal == nil {
		return t.ask(ctx, question, "")
	}
	t.hide()
	defer fmt.Fprintln(t.out)
	return t.answer(ctx, question, "")
}

// agree asks a question of yes or no.
func (t *Talk) agree(ctx context.Context, question string, otherwise bool) (bool, error) {
	yes, no := t.l.Say("setup.yes"), t.l.Say("setup.no")
	for {
		word := no
		if otherwise {
			word = yes
		}
		text, err := t.ask(ctx, question, word)
		if err != nil {
			return false, err
		}
		switch text = strings.ToLower(text); text {
		case yes, "y", "yes", "д":
			return true, nil
		case no, "n", "no", "н":
			return false, nil
		}
		t.say("setup.yesno", i18n.Args{"Yes": yes, "No": no})
	}
}

// skipped is ready when the person presses Enter in a terminal while something else is
// waited for; nil: this is no terminal.
func (t *Talk) skipped() <-chan answer {
	if t.terminal == nil {
		return nil
	}
	return t.read()
}

// AskLanguage asks in which language to go on.
func (t *Talk) AskLanguage(ctx context.Context, bundle *i18n.Bundle) error {
	known := bundle.Languages()
	var words []string
	for _, language := range known {
		words = append(words, bundle.Locale(language, nil).Say("setup.language"))
	}
	for {
		text, err := t.ask(ctx, strings.Join(words, " / ")+" ("+strings.Join(known, ", ")+")", t.l.Language())
		if err != nil {
			return err
		}
		if text = strings.ToLower(text); slices.Contains(known, text) {
			t.l = bundle.Locale(text, nil)
			return nil
		}
	}
}

// Leave says that nothing was changed.
func (t *Talk) Leave() { t.say("setup.unchanged") }
