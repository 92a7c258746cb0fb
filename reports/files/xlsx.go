package files

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"io/fs"

	"domovoy/reports"
	"domovoy/reports/compose"
)

// XLSX writes the report as a workbook: what is to be done, every row, what
// is over, the owners, and the numbers with their meaning.
func XLSX(out io.Writer, w compose.Writer, r reports.Weekly) error {
	b, err := newBook(newPaper(w, r))
	if err != nil {
		return fmt.Errorf("making the workbook: %w", err)
	}
	defer b.file.Close()
	archive := zip.NewWriter(out)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, packing)
	})
	if err := b.write(archive); err != nil {
		return fmt.Errorf("writing the workbook: %w", err)
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("writing the workbook: %w", err)
	}
	return nil
}

// packing is a level of deflate at which packing takes no longer than what
// is packed takes to make.
const packing = 3

// write has excelize write the workbook, and puts the rows into its sheets on
// the way. They go straight out: excelize would keep all of them, its own
// streams 16 MB and more of each sheet, and the archive beside.
func (b *book) write(archive *zip.Writer) error {
	p := &parts{archive: archive, sheets: map[string]*bytes.Buffer{}}
	for i := range sheets() {
		p.sheets[sheetPath(i)] = new(bytes.Buffer)
	}
	b.file.SetZipWriter(p.open)
	if err := b.file.Write(io.Discard); err != nil {
		return err
	}
	for i, s := range sheets() {
		if err := b.fill(archive, sheetPath(i), p.sheets[sheetPath(i)].Bytes(), s); err != nil {
			return fmt.Errorf("sheet %s: %w", s.key, err)
		}
	}
	return nil
}

// fill writes a sheet that has its headings, with its rows behind them.
func (b *book) fill(archive *zip.Writer, path string, sheet []byte, kind sheetKind) error {
	// There are filter buttons, and nothing is filtered.
	sheet = bytes.Replace(sheet, []byte(` filterMode="true"`), nil, 1)
	end := bytes.LastIndex(sheet, []byte("</sheetData>"))
	if end < 0 {
		return fmt.Errorf("%s has no place for rows", path)
	}
	out, err := archive.Create(path)
	if err != nil {
		return err
	}
	if _, err := out.Write(sheet[:end]); err != nil {
		return err
	}
	if kind.rows != nil {
		rows := newRowWriter(out, b.dayStyle)
		kind.rows(b, rows)
		if err := rows.flush(); err != nil {
			return err
		}
	}
	_, err = out.Write(sheet[end:])
	return err
}

// parts takes a workbook apart as excelize writes it: the sheets stay, the
// rest goes into the archive.
type parts struct {
	archive *zip.Writer
	sheets  map[string]*bytes.Buffer
}

// Create begins a file of the archive.
func (p *parts) Create(path string) (io.Writer, error) {
	if sheet, ok := p.sheets[path]; ok {
		return sheet, nil
	}
	return p.archive.Create(path)
}

// AddFS is of no use to a workbook.
func (p *parts) AddFS(fs.FS) error { return nil }

// Close leaves the archive open for the sheets.
func (p *parts) Close() error { return nil }
