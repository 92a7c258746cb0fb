package config

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"unicode/utf8"
)

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
