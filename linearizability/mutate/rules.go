package main

import (
	"go/ast"
	"go/token"
	"strconv"
)

// comparisons are what each is replaced by: its neighbour, and its negation.
var comparisons = map[token.Token][]string{
	token.LSS: {"<=", ">="},
	token.LEQ: {"<", ">"},
	token.GTR: {">=", "<="},
	token.GEQ: {">", "<"},
	token.EQL: {"!="},
	token.NEQ: {"=="},
}

// arithmetic is what each operator is replaced by.
var arithmetic = map[token.Token]string{
	token.ADD: "-", token.SUB: "+", token.MUL: "/", token.QUO: "*",
	token.ADD_ASSIGN: "-=", token.SUB_ASSIGN: "+=", token.INC: "--", token.DEC: "++",
}

// opposites are names of the checker for two sides of one thing, which have the same type. Each is
// replaced by the other.
var opposites = pairs(
	"start", "end", "first", "last", "earliest", "latest", "from", "to", "writer", "next",
	"firstAt", "lastAt", "bestFirst", "bestLast", "firstOfY", "lastOfY",
	"endedBefore", "startedAfter", "forwards", "backwards", "expected", "seen",
	"min", "max", "true", "false", "break", "continue", "Legal", "Illegal",
)

func pairs(names ...string) map[string]string {
	opposite := make(map[string]string)
	for i := 0; i < len(names); i += 2 {
		opposite[names[i]], opposite[names[i+1]] = names[i+1], names[i]
	}
	return opposite
}

// visit adds the mutants of one node.
func (f *finder) visit(node ast.Node) bool {
	switch node := node.(type) {
	case *ast.BinaryExpr:
		f.binary(node)
	case *ast.UnaryExpr:
		if node.Op == token.NOT || node.Op == token.SUB {
			f.replaceRange(node.OpPos, node.X.Pos(), "")
		}
	case *ast.BasicLit:
		f.number(node)
	case *ast.Ident:
		if opposite, ok := opposites[node.Name]; ok && !f.names[node] {
			f.replace(node, "%s", opposite)
		}
	case *ast.CallExpr:
		f.call(node)
	case *ast.CompositeLit:
		f.elements(node.Elts, node.Rbrace)
	case *ast.SliceExpr:
		for _, bound := range []ast.Expr{node.Low, node.High} {
			if bound != nil {
				f.replace(bound, "")
			}
		}
	default:
		f.visitStatement(node)
	}
	return true
}

func (f *finder) visitStatement(node ast.Node) {
	switch node := node.(type) {
	case *ast.AssignStmt:
		if node.Tok == token.DEFINE {
			for _, name := range node.Lhs {
				f.names[name] = true
			}
		}
	case *ast.KeyValueExpr:
		f.names[node.Key] = true
	case *ast.IfStmt:
		f.condition(node.Cond)
	case *ast.ForStmt:
		if node.Cond != nil {
			f.condition(node.Cond)
		}
		f.loop(node.Body)
	case *ast.RangeStmt:
		f.loop(node.Body)
	case *ast.SwitchStmt:
		f.cases(node)
	case *ast.BlockStmt:
		f.statements(node.List)
	case *ast.CaseClause:
		f.statements(node.Body)
	}
}

func (f *finder) binary(node *ast.BinaryExpr) {
	operator := func(text string) {
		f.replaceRange(node.OpPos, node.OpPos+token.Pos(len(node.Op.String())), text)
	}
	for _, other := range comparisons[node.Op] {
		operator(other)
	}
	switch node.Op {
	case token.LAND, token.LOR:
		// One operand is turned off: it says nothing any more.
		neutral := "(true || %s)"
		if operator("||"); node.Op == token.LOR {
			operator("&&")
			neutral = "(false && %s)"
		}
		f.replace(node.X, neutral, f.textOf(node.X))
		f.replace(node.Y, neutral, f.textOf(node.Y))
	case token.ADD, token.SUB, token.MUL, token.QUO:
		operator(arithmetic[node.Op])
		f.replaceRange(node.X.End(), node.Y.End(), "")
	}
}

func (f *finder) number(node *ast.BasicLit) {
	n, err := strconv.Atoi(node.Value)
	if err != nil {
		return
	}
	f.replace(node, "%d", n+1)
	if n > 0 {
		f.replace(node, "%d", n-1)
	}
}

// condition makes one always true, always false, and, where there is no operator in it to be turned
// around, false where it was true.
func (f *finder) condition(node ast.Expr) {
	text := f.textOf(node)
	f.replace(node, "true || (%s)", text)
	f.replace(node, "false && (%s)", text)
	switch node.(type) {
	case *ast.CallExpr, *ast.Ident, *ast.IndexExpr, *ast.SelectorExpr:
		f.replace(node, "!%s", text)
	}
}

// loop adds a loop that does nothing, and one that ends after its first round.
func (f *finder) loop(body *ast.BlockStmt) {
	f.replaceRange(body.Lbrace, body.Lbrace+1, "{ break;")
	f.replaceRange(body.Rbrace, body.Rbrace+1, "break }")
}

// cases leaves out cases, and what they are for.
func (f *finder) cases(node *ast.SwitchStmt) {
	for _, statement := range node.Body.List {
		clause := statement.(*ast.CaseClause)
		if node.Tag == nil && clause.List != nil {
			for _, condition := range clause.List {
				f.condition(condition)
			}
			continue
		}
		f.replace(clause, "")
		if len(clause.List) > 1 {
			f.elements(clause.List, clause.Colon)
		}
	}
}

func (f *finder) call(node *ast.CallExpr) {
	name := f.textOf(node.Fun)
	switch {
	case name == "min" || name == "max":
		for _, argument := range node.Args {
			f.replace(node, "%s", f.textOf(argument))
		}
	case name == "cmp.Compare":
		f.replace(node, "%s(%s, %s)", name, f.textOf(node.Args[1]), f.textOf(node.Args[0]))
	case name == "cmp.Or":
		f.elements(node.Args, node.Rparen)
	case f.variadic[name]:
		f.elements(node.Args[1:], node.Rparen)
	}
}

// elements leaves out each element of a list that ends where it says.
func (f *finder) elements(list []ast.Expr, end token.Pos) {
	for i, element := range list {
		switch {
		case i+1 < len(list):
			f.replaceRange(element.Pos(), list[i+1].Pos(), "")
		case i > 0:
			f.replaceRange(list[i-1].End(), end, "")
		default:
			f.replaceRange(element.Pos(), end, "")
		}
	}
}

// statements leaves out statements. They still stand there, but are never executed, so that what
// they use is not unused.
func (f *finder) statements(list []ast.Stmt) {
	for _, statement := range list {
		switch node := statement.(type) {
		case *ast.AssignStmt:
			f.assignment(node)
		case *ast.IncDecStmt:
			f.never(node)
			f.replaceRange(node.TokPos, node.End(), arithmetic[node.Tok])
		case *ast.BranchStmt:
			f.never(node)
			f.replace(node, "%s", opposites[node.Tok.String()])
		case *ast.ExprStmt, *ast.DeferStmt, *ast.GoStmt:
			f.never(node)
		case *ast.ReturnStmt:
			f.returns(node)
		}
	}
}

func (f *finder) never(node ast.Node) { f.replace(node, "if false { %s }", f.textOf(node)) }

func (f *finder) assignment(node *ast.AssignStmt) {
	if node.Tok == token.DEFINE {
		return
	}
	f.never(node)
	if other, ok := arithmetic[node.Tok]; ok {
		f.replaceRange(node.TokPos, node.TokPos+2, other)
	}
	if len(node.Lhs) > 1 {
		for _, one := range node.Lhs {
			f.replace(one, "_")
		}
	}
}

// returns adds a return that does not take place, and one for each result that says less.
func (f *finder) returns(node *ast.ReturnStmt) {
	f.never(node)
	if len(node.Results) != len(f.results) {
		return
	}
	for i, result := range node.Results {
		empty := ""
		switch kind := f.results[i].(type) {
		case *ast.StarExpr, *ast.ArrayType, *ast.MapType:
			empty = "nil"
		case *ast.Ident:
			switch kind.Name {
			case "bool":
				empty = "!(" + f.textOf(result) + ")"
			case "int", "int32", "int64":
				empty = "0"
			case "error":
				empty = "nil"
			}
		}
		if text := f.textOf(result); empty == "" || text == empty || text == "true" || text == "false" {
			continue
		}
		text := f.textOf(node)
		begin := f.offset(node.Pos())
		from, to := f.offset(result.Pos())-begin, f.offset(result.End())-begin
		f.replace(node, "if true { %s }; %s", text[:from]+empty+text[to:], text)
	}
}
