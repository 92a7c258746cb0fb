package setup

import (
	"os"

	"golang.org/x/sys/unix"
)

// hideTyping makes a terminal show nothing of what is typed, until the function that
// it returns is called.
func hideTyping(terminal *os.File) (show func()) {
	fd := int(terminal.Fd())
	was, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return func() {}
	}
	hidden := *was
	hidden.Lflag &^= unix.ECHO
	_ = unix.IoctlSetTermios(fd, unix.TCSETS, &hidden) // a terminal that cannot would show it
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, was) }
}
