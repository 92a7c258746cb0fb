package account

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

const (
	longestLine = 4 << 20 // bytes; acme.sh puts a whole order into one line
	packing     = 4       // so many times more of a packed file, which has no way in from its end
	everyLines  = 4096    // how often the context is asked
)

// readFile reads a log or a state file into the collector. An error is the
// context's.
func (c *collector) readFile(ctx context.Context, path string, most int64) (SkipReason, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return SkipDenied, nil
	case err != nil:
		return SkipUnreadable, nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return SkipUnreadable, nil
	}
	if strings.HasSuffix(path, ".gz") {
		packed, err := gzip.NewReader(file)
		if err != nil {
			return SkipUnreadable, nil
		}
		limited := &io.LimitedReader{R: packed, N: most * packing}
		err = c.lines(ctx, path, bufio.NewReaderSize(limited, 64<<10))
		return skipped(err, limited.N <= 0), ctx.Err()
	}
	tail := info.Size() > most
	reader := bufio.NewReaderSize(io.LimitReader(file, most), 64<<10)
	if tail {
		if _, err := file.Seek(-most, io.SeekEnd); err != nil {
			return SkipUnreadable, nil
		}
		if _, err := reader.ReadSlice('\n'); err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return skipped(err, tail), nil
		}
	}
	return skipped(c.lines(ctx, path, reader), tail), ctx.Err()
}

func skipped(err error, large bool) SkipReason {
	switch {
	case err != nil:
		return SkipUnreadable
	case large:
		return SkipLarge
	}
	return ""
}

// lines hands every line on; of one that is too long its beginning.
func (c *collector) lines(ctx context.Context, source string, from *bufio.Reader) error {
	r := &lineReader{c: c, source: source}
	var long []byte
	for n := 1; ; n++ {
		if n%everyLines == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		part, err := from.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			if len(long) < longestLine {
				long = append(long, part...)
			}
			continue
		}
		if len(long) > 0 {
			if len(long) < longestLine {
				long = append(long, part...)
			}
			r.line(long)
			long = long[:0]
		} else if len(part) > 0 {
			r.line(part)
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}
