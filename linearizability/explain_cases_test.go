package linearizability

// classCases has a violation of each class.
var classCases = []struct {
	name, text string
	class      Class
	sentence   string
	operations []int64
}{
	{
		name: "a read of an overwritten value",
		text: `c9 write 41 0..1
			c2 write 42 2..4
			c7 read 41 6..7
			c5 read 42 8..9`,
		class: StaleRead,
		sentence: "c7 read 41 from n7 at 7.00 s; " +
			"42 had been acknowledged to c2 by n2 2.00 s earlier",
		// The later read is not needed.
		operations: []int64{1, 2, 3},
	},
	{
		name: "a read of the initial value",
		text: "c1 write 1 0..1\nc2 read - 2..3\nc3 read 1 4..5", class: StaleRead,
		sentence: "c2 read nothing from n2 at 3.00 s; " +
			"1 had been acknowledged to c1 by n1 1.00 s earlier",
		operations: []int64{1, 2},
	},
	{
		name: "a stale value that a refused compare-and-set reports",
		text: `c1 write 1 0..1
			c2 write 2 2..3
			c3 cas 9>3 4..5 saw 1
			c4 read 2 6..7`,
		class: StaleRead,
		sentence: "c3 was told by n3 that the register holds 1 at 5.00 s; " +
			"2 had been acknowledged to c2 by n2 1.00 s earlier",
		operations: []int64{1, 2, 3},
	},
	{
		name: "a value of a compare-and-set that was told that it did not apply",
		text: `c1 write 1 0..1
			c2 cas 9>2 2..3 saw 1
			c3 read 2 4..5`,
		class: NeverWritten,
		sentence: "c3 read 2 from n3 at 5.00 s; " +
			"c2 called compare-and-set 9 → 2 at n2, but was told that it did not apply",
		operations: []int64{3},
	},
	{
		name: "a write that nobody ever sees",
		text: `c1 write 1 0..1
			c2 write 2 2..3
			c3 read 1 4..5
			c4 read 1 6..7`,
		class: LostWrite,
		sentence: "c3 read 1 from n3 at 5.00 s; " +
			"2 had been acknowledged to c2 by n2 1.00 s earlier, and was never seen",
		operations: []int64{1, 2, 3},
	},
	{
		name: "a write that an update overwrites without having seen it",
		text: "c1 write 1 0..1\nc2 write 2 2..3\nc3 cas 1>3 4..5", class: LostWrite,
		sentence: "c3 replaced 1 by 3 by compare-and-set at n3 at 5.00 s; " +
			"2 had been acknowledged to c2 by n2 1.00 s earlier, and was never seen",
		operations: []int64{1, 2, 3},
	},
	{
		name: "a final read without the last write",
		text: "c1 write 1 0..1\nc2 write 2 2..3\nc3 read 1 4..5 final", class: LostWrite,
		sentence: "c3 read 1 from n3 at 5.00 s; " +
			"2 had been acknowledged to c2 by n2 1.00 s earlier, and was never seen",
		operations: []int64{1, 2, 3},
	},
	{
		name: "an older value comes back",
		text: `c1 write 1 0..1
			c2 write 2 2..?
			c3 read 2 4..5
			c4 read 1 6..7
			c5 read 1 8..9`,
		class: Reappeared,
		sentence: "c4 read 1 from n4 at 7.00 s; " +
			"2 had been read by c3 from n3 1.00 s earlier, and was not seen again",
		operations: []int64{1, 2, 3, 4},
	},
	{
		name: "a value from nowhere",
		text: "c1 write 1 0..1\nc2 read 7 2..3", class: NeverWritten,
		sentence:   "c2 read 7 from n2 at 3.00 s; nobody had ever written 7",
		operations: []int64{2},
	},
	{
		name: "a value that was certainly not written",
		text: "c1 write 1 0..1 fail\nc2 read 1 2..3", class: NeverWritten,
		sentence: "c2 read 1 from n2 at 3.00 s; c1 called write 1 at n1, " +
			"but that certainly did not happen: connection refused",
		operations: []int64{2},
	},
	{
		name: "a value that is written later",
		text: "c1 read 1 0..1\nc2 write 1 3..4", class: FromTheFuture,
		sentence:   "c1 read 1 from n1 at 1.00 s; c2 called write 1 at n2 only 2.00 s later",
		operations: []int64{1},
	},
	{
		name: "a value that is written later, by a chain of unknown outcome",
		text: "c1 cas 1>2 0..?\nc2 read 2 1..2\nc3 write 1 3..4", class: FromTheFuture,
		sentence: "c1 called compare-and-set 1 → 2 at n1 (it did not return, " +
			"but took effect); c3 called write 1 at n3 only later",
		operations: []int64{1, 2},
	},
	{
		name: "a refusal that contradicts itself",
		text: "c1 write 1 0..1\nc2 cas 1>2 2..3 saw 1", class: Contradiction,
		sentence: "c2 was told by n2 that the register holds 1 at 3.00 s, " +
			"which is what the compare-and-set expected",
		operations: []int64{1, 2},
	},
	{
		name: "two updates of one value",
		text: "c1 write 1 0..1\nc2 cas 1>2 2..3\nc3 cas 1>3 4..5", class: TwoWinners,
		sentence: "c3 replaced 1 by 3 by compare-and-set at n3 at 5.00 s; " +
			"c2 replaced 1 by 2 by compare-and-set at n2 1.00 s earlier",
		operations: []int64{1, 2, 3},
	},
	{
		name: "two decisions at once",
		text: "c1 propose 1 0..3 told 1\nc2 propose 2 0..4 told 2", class: TwoWinners,
		sentence: "c2 was told by n2 that 2 was chosen at 4.00 s; " +
			"c1 was told by n1 that 1 was chosen at the same time",
		operations: []int64{1, 2},
	},
	{
		name: "a decision that changes",
		text: "c1 propose 1 0..1 told 1\nc2 propose 2 2..3 told 2", class: DecisionChanged,
		sentence: "c2 was told by n2 that 2 was chosen at 3.00 s; " +
			"c1 was told by n1 that 1 was chosen 1.00 s earlier",
		operations: []int64{1, 2},
	},
	{
		name: "a decision on nothing",
		text: "c1 propose 1 0..1 told -", class: Contradiction,
		sentence:   "c1 was told by n1 that nothing was chosen at 1.00 s",
		operations: []int64{1},
	},
	{
		name:  "values that are not unique",
		text:  "c1 write 1 0..1\nc2 write 1 2..3\nc3 write 2 4..5\nc4 read 1 6..7",
		class: NotOrdered,
		sentence: "c4 read 1 from n4 at 7.00 s; " +
			"no order of this and the operations before it is legal",
		operations: []int64{1, 2, 3, 4},
	},
	{
		name: "a chain of updates, of which only the end matters",
		text: `c1 write 1 0..1
			c2 cas 1>2 2..3
			c3 cas 2>3 4..5
			c4 cas 3>4 6..7
			c5 write 5 8..9
			c6 read 4 10..11`,
		class: StaleRead,
		sentence: "c6 read 4 from n6 at 11.00 s; " +
			"5 had been acknowledged to c5 by n5 1.00 s earlier",
		operations: []int64{4, 5, 6},
	},
}
