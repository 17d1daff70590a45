package jepsen

import (
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// numberSizeMax bounds numbers that need arithmetic to be read, in characters.
const numberSizeMax = 1000

// atom reads a symbol, a keyword or a number.
func (r *reader) atom(line int) (form, error) {
	word, err := r.word(line)
	if err != nil {
		return form{}, err
	}
	f := form{text: word, line: line}
	switch first := word[0]; {
	case word == "nil":
		f.kind = null
	case first == ':':
		f.kind = keyword
		if word == ":" || word[1] == ':' {
			return form{}, r.fail(line, "%.40s is no keyword", word)
		}
	case numeric(word):
		text, whole, err := number(word)
		if err != nil {
			return form{}, r.fail(line, "%.40s is no number: %w", word, err)
		}
		if f.text = text; whole {
			f.kind = integer
		}
	case strings.IndexByte("^@`~'", first) >= 0:
		return form{}, r.fail(line, "%.40s is no EDN (accepted: maps, vectors, keywords, numbers, "+
			"strings, …)", word)
	}
	return f, nil
}

// numeric tells whether a word begins as a number does.
func numeric(word string) bool {
	if len(word) > 1 && (word[0] == '+' || word[0] == '-') {
		word = word[1:]
	}
	return word[0] >= '0' && word[0] <= '9'
}

// What numbers there are beside plain whole ones: whole ones in other bases, quotients, and decimal
// fractions, exact ones with an M.
var (
	basePattern = regexp.MustCompile(
		`^([+-]?)(?:0[xX]([0-9A-Fa-f]+)|0([0-7]+)|([1-9][0-9]?)[rR]([0-9A-Za-z]+))N?$`)
	quotientPattern = regexp.MustCompile(`^[+-]?[0-9]+/[0-9]+$`)
	fractionPattern = regexp.MustCompile(
		`^([+-]?)([0-9]+)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?(M?)$`)
	// Clojure takes a zero in front for base 8, so that this would be neither.
	digitsPattern = regexp.MustCompile(`^[+-]?[0-9]+$`)
)

// number returns the text that all numbers have that Clojure calls equal to word, and whether it is
// a whole one.
func number(word string) (text string, whole bool, err error) {
	if text, ok := plain(word); ok {
		return text, true, nil
	}
	if len(word) > numberSizeMax {
		return "", false, fmt.Errorf("it is longer than %d characters", numberSizeMax)
	}
	if m := basePattern.FindStringSubmatch(word); m != nil {
		text, err := inBase(m[1], m[2:])
		return text, true, err
	}
	if quotientPattern.MatchString(word) {
		return quotient(word)
	}
	if digitsPattern.MatchString(word) {
		return "", false, errors.New("it begins with 0 and is not to base 8")
	}
	if m := fractionPattern.FindStringSubmatch(word); m != nil && m[5] == "M" {
		text, err := exact(m[1], m[2], m[3], m[4])
		return text, false, err
	} else if m != nil {
		text, err := double(word)
		return text, false, err
	}
	return "", false, errors.New("this is how none is written")
}

// plain reads whole numbers as nearly all are written.
func plain(word string) (string, bool) {
	digits := strings.TrimSuffix(word, "N")
	sign := ""
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		sign, digits = strings.TrimPrefix(digits[:1], "+"), digits[1:]
	}
	if digits == "0" {
		return digits, true
	}
	if digits == "" || digits[0] == '0' || strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	if len(sign)+len(digits) == len(word) {
		return word, true
	}
	return sign + digits, true
}

// inBase reads a whole number to base 16, 8, or the one that it says.
func inBase(sign string, groups []string) (string, error) {
	base, digits := 16, groups[0]
	switch {
	case groups[1] != "":
		base, digits = 8, groups[1]
	case groups[2] != "":
		base, _ = strconv.Atoi(groups[2])
		digits = groups[3]
	}
	if base < 2 || base > 36 {
		return "", fmt.Errorf("its base is %d (accepted: 2 to 36)", base)
	}
	n, ok := new(big.Int).SetString(sign+digits, base)
	if !ok {
		return "", fmt.Errorf("it has a digit that base %d has not", base)
	}
	return n.String(), nil
}

// quotient reads a ratio, which is a whole number where it comes out even.
func quotient(word string) (text string, whole bool, err error) {
	above, below, _ := strings.Cut(strings.TrimPrefix(word, "+"), "/")
	n, _ := new(big.Int).SetString(above, 10)
	d, _ := new(big.Int).SetString(below, 10)
	if d.Sign() == 0 {
		return "", false, errors.New("it divides by zero")
	}
	q := new(big.Rat).SetFrac(n, d)
	return q.RatString(), q.IsInt(), nil
}

// double reads a number as a floating-point number of 64 bits.
func double(word string) (string, error) {
	n, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return "", errors.New("it is too large for 64 bits")
	}
	if n == 0 {
		return "0.0", nil
	}
	text := strconv.FormatFloat(n, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text, nil
}

// exact reads a decimal fraction of any precision. 1.10M and 110E-2M are both 11e-1M.
func exact(sign, above, below, exponent string) (string, error) {
	digits := strings.TrimLeft(above+below, "0")
	if digits == "" {
		return "0M", nil
	}
	e := 0
	if exponent != "" {
		var err error
		if e, err = strconv.Atoi(exponent); err != nil || e > 1<<31 || e < -1<<31 {
			return "", errors.New("its exponent is too large")
		}
	}
	short := strings.TrimRight(digits, "0")
	e += len(digits) - len(short) - len(below)
	text := strings.TrimPrefix(sign, "+") + short
	if e != 0 {
		text += "e" + strconv.Itoa(e)
	}
	return text + "M", nil
}

// symbolic reads what stands behind ##.
func (r *reader) symbolic(line int) (form, error) {
	word, err := r.word(line)
	if err == nil && word != "Inf" && word != "-Inf" {
		err = r.fail(line, "##%.40s cannot be compared (accepted: ##Inf and ##-Inf)", word)
	}
	return form{text: "##" + word, line: line}, err
}

// string reads what stands behind a quote.
func (r *reader) string(line int) (form, error) {
	var text []byte
	for {
		c, err := r.next()
		switch {
		case errors.Is(err, io.EOF) && r.line > line:
			return form{}, r.fail(line, "a string begins here that does not end")
		case err != nil:
			return form{}, cutAtEnd(err)
		case c == '"':
			if !utf8.Valid(text) {
				return form{}, r.fail(line, "a string is not UTF-8")
			}
			return form{text: quoted(string(text)), line: line}, nil
		case c == '\\':
			text, err = r.escape(text)
		default:
			text = append(text, c)
		}
		if err == nil {
			err = r.checkSize(line)
		}
		if err != nil {
			return form{}, cutAtEnd(err)
		}
	}
}

var escapes = map[byte]byte{
	't': '\t', 'r': '\r', 'n': '\n', 'b': '\b', 'f': '\f', '\\': '\\', '"': '"',
}

// escape appends what a backslash in a string stands for.
func (r *reader) escape(text []byte) ([]byte, error) {
	c, err := r.next()
	if err != nil {
		return nil, err
	}
	if meant, known := escapes[c]; known {
		return append(text, meant), nil
	}
	if c != 'u' {
		return nil, r.fail(r.line, "%q in a string means nothing "+
			`(accepted: \t \r \n \b \f \\ \" and \u with four digits)`, `\`+string(rune(c)))
	}
	first, err := r.unit()
	if err != nil || !utf16.IsSurrogate(first) {
		return utf8.AppendRune(text, first), err
	}
	for _, want := range []byte(`\u`) {
		c, err := r.next()
		if err != nil {
			return nil, err
		}
		if c != want {
			return nil, r.fail(r.line, `\u%04x is half of a character`, first)
		}
	}
	second, err := r.unit()
	if err != nil {
		return nil, err
	}
	whole := utf16.DecodeRune(first, second)
	if whole == utf8.RuneError {
		return nil, r.fail(r.line, `\u%04x is half of a character`, first)
	}
	return utf8.AppendRune(text, whole), nil
}

// unit reads the four digits of a unit of UTF-16.
func (r *reader) unit() (rune, error) {
	digits := make([]byte, 4)
	for i := range digits {
		var err error
		if digits[i], err = r.next(); err != nil {
			return 0, err
		}
	}
	n, err := strconv.ParseUint(string(digits), 16, 16)
	if err != nil {
		return 0, r.fail(r.line, `\u%q is no character (accepted: \u and four digits to base 16)`,
			digits)
	}
	return rune(n), nil
}

var quoting = map[rune]string{
	'\\': `\\`, '"': `\"`, '\n': `\n`, '\t': `\t`, '\r': `\r`,
}

// quoted returns text as a string of EDN in which everything can be seen: it is printed on
// terminals.
func quoted(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, c := range text {
		escape, known := quoting[c]
		switch {
		case known:
			out.WriteString(escape)
		case unicode.IsPrint(c):
			out.WriteRune(c)
		default:
			out.WriteString(escaped(c))
		}
	}
	out.WriteByte('"')
	return out.String()
}

// escaped returns what strings have in the place of a character that cannot be seen.
func escaped(c rune) string {
	var out strings.Builder
	for _, unit := range utf16.AppendRune(nil, c) {
		fmt.Fprintf(&out, `\u%04x`, unit)
	}
	return out.String()
}

var characters = map[string]string{
	"newline": "\n", "return": "\r", "space": " ", "tab": "\t", "backspace": "\b", "formfeed": "\f",
}

// character reads what stands behind a backslash outside of strings. Two texts of the same
// character give the same form.
func (r *reader) character(line int) (form, error) {
	c, err := r.next()
	if err != nil {
		return form{}, cutAtEnd(err)
	}
	text := ""
	if delimiters[c] {
		text = string(c)
	} else {
		r.back(c)
	}
	rest, err := r.word(line)
	if err != nil {
		return form{}, err
	}
	text += rest
	one := text
	if named, known := characters[text]; known {
		one = named
	} else if digits, found := strings.CutPrefix(text, "u"); found && len(digits) == 4 {
		if n, err := strconv.ParseUint(digits, 16, 16); err == nil && !utf16.IsSurrogate(rune(n)) {
			one = string(rune(n))
		}
	}
	if utf8.RuneCountInString(one) != 1 || !utf8.ValidString(one) {
		return form{}, r.fail(line, "%.40q is no character", `\`+text)
	}
	for name, character := range characters {
		if one == character {
			return form{text: `\` + name, line: line}, nil
		}
	}
	if c, _ := utf8.DecodeRuneInString(one); !unicode.IsPrint(c) {
		return form{text: escaped(c), line: line}, nil
	}
	return form{text: `\` + one, line: line}, nil
}
