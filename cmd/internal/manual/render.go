package manual

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	table "github.com/yuin/goldmark/extension/ast"
)

// Render returns a topic as text without markup whose lines have at most width
// columns, but for commands and long words.
func (t Topic) Render(width int) string {
	p := &printer{file: t.file, width: width}
	p.line("", t.Title)
	p.line("", strings.Repeat("─", utf8.RuneCountInString(t.Title)))
	for _, node := range t.body {
		p.block(node, "", "")
	}
	return strings.TrimRight(p.out.String(), "\n") + "\n"
}

// printer writes blocks of Markdown, one below the other.
type printer struct {
	file  *file
	width int
	out   strings.Builder
	near  bool // the next block follows without an empty line
}

// block writes a node. Its first line begins with first, the others with rest.
func (p *printer) block(node ast.Node, first, rest string) {
	switch n := node.(type) {
	case *ast.HTMLBlock, *ast.LinkReferenceDefinition: // comments, and what links refer to
	case *ast.Heading:
		p.paragraph(first, rest, p.file.inline(n))
	case *ast.Paragraph, *ast.TextBlock:
		p.paragraph(first, rest, p.file.inline(n))
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		p.apart()
		for line := range strings.Lines(string(n.Lines().Value(p.file.source))) {
			p.line(rest+"    ", strings.TrimRight(line, "\n"))
		}
	case *ast.List:
		p.list(n, rest)
	case *table.Table:
		p.table(n, rest)
	default: // a quotation
		for child := node.FirstChild(); child != nil; child = child.NextSibling() {
			p.block(child, first, rest)
			first = rest
		}
	}
}

// list writes the items of a list one below the other, close together if they are
// so in the file.
func (p *printer) list(n *ast.List, indent string) {
	if _, inside := n.Parent().(*ast.ListItem); inside {
		p.near = true
	}
	p.apart()
	number := n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		mark := "• "
		if n.IsOrdered() {
			mark = strconv.Itoa(number) + ". "
			number++
		}
		rest := indent + strings.Repeat(" ", utf8.RuneCountInString(mark))
		first := indent + mark
		p.near = true
		for child := item.FirstChild(); child != nil; child = child.NextSibling() {
			p.block(child, first, rest)
			first = rest
		}
	}
	p.near = false
}

// nameWidth is how wide the first column of a table of two may be.
const nameWidth = 26

// table writes a table of two columns as such, if the first one is narrow: names and
// what they mean. A wider table is seldom as narrow as a terminal: each row becomes a
// paragraph of its first cell, with the other cells below it, each behind the heading
// of its column.
func (p *printer) table(n *table.Table, indent string) {
	heads, rows := p.cells(n)
	widest := 0
	for _, row := range rows {
		widest = max(widest, utf8.RuneCountInString(row[0]))
	}
	if len(heads) == 2 && widest <= nameWidth {
		p.apart()
		rest := indent + strings.Repeat(" ", widest+2)
		for _, row := range rows {
			p.near = true
			p.paragraph(indent+row[0]+rest[len(indent)+utf8.RuneCountInString(row[0]):], rest, row[1])
		}
		return
	}
	for _, row := range rows {
		p.paragraph(indent, indent, row[0])
		for i, cell := range row[1:] {
			if cell == "" || cell == "—" {
				continue
			}
			if head := heads[i+1]; head != "" && len(row) > 2 {
				cell = head + ": " + cell
			}
			p.near = true
			p.paragraph(indent+"    ", indent+"    ", cell)
		}
	}
}

// cells returns a table's headings, which may be empty, and its rows.
func (p *printer) cells(n *table.Table) (heads []string, rows [][]string) {
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			cells = append(cells, p.file.inline(cell))
		}
		if _, ok := row.(*table.TableHeader); ok {
			heads = cells
		} else {
			rows = append(rows, cells)
		}
	}
	return heads, rows
}

// apart writes the empty line between two blocks.
func (p *printer) apart() {
	if !p.near && p.out.Len() > 0 {
		p.out.WriteByte('\n')
	}
	p.near = false
}

func (p *printer) line(indent, text string) {
	p.out.WriteString(strings.TrimRight(indent+text, " ") + "\n")
}

// paragraph writes a text in lines of the width.
func (p *printer) paragraph(first, rest, text string) {
	p.apart()
	indent, line := first, ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(indent)+utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > p.width {
			p.line(indent, line)
			indent, line = rest, ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	p.line(indent, line)
}

// inline returns the text of a node on one line. A link to another topic is followed
// by the command that shows it.
func (f *file) inline(node ast.Node) string {
	var b strings.Builder
	for child := node.FirstChild(); child != nil; child = child.NextSibling() {
		switch n := child.(type) {
		case *ast.Text:
			b.Write(n.Segment.Value(f.source))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *ast.AutoLink:
			b.Write(n.Label(f.source))
		case *ast.RawHTML:
		case *ast.Link:
			b.WriteString(f.inline(n))
			if where := f.target(string(n.Destination)); where != "" {
				fmt.Fprintf(&b, " (%s)", where)
			}
		default: // emphasis, code
			b.WriteString(f.inline(n))
		}
	}
	return unescape(b.String())
}

// unescape removes the backslash before a character of Markdown.
func unescape(s string) string {
	return strings.NewReplacer(`\|`, "|", `\*`, "*", `\_`, "_", `\<`, "<").Replace(s)
}

// target is what a reader of a terminal does to follow a link, or where it leads to.
func (f *file) target(to string) string {
	if strings.Contains(to, "://") {
		return to
	}
	name, fragment, _ := strings.Cut(to, "#")
	whole := f.path
	if name != "" {
		whole = path.Join(path.Dir(f.path), name)
	}
	if fragment != "" {
		whole += "#" + fragment
	}
	if topic := f.manual.names[whole]; topic != "" {
		return "domovoy help " + topic
	}
	return strings.TrimPrefix(whole, "#")
}
