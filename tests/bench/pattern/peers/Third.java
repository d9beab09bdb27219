// A third opinion on what third/cases.c says: event-ruler judges the same cases.  Prints each that it
// judges differently, then a count; the exit status is 1 if there was one, or no case at all.
//   Third settled.tsv <cases    settled.tsv: what we say, what it says, pattern, event, which difference
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import software.amazon.event.ruler.JsonRuleCompiler;
import software.amazon.event.ruler.Machine;

class Third {
	static String judge(String pattern, String event) {
		String reason = JsonRuleCompiler.check(pattern);
		if (reason != null) {
			int at = reason.indexOf("\n at [Source");
			return "error " + (at < 0 ? reason : reason.substring(0, at));
		}
		Machine machine = Machine.builder().build();
		try {
			machine.addRule("r", pattern);
		} catch (Exception e) { // what its compiler took
			return "error";
		}
		try {
			return machine.rulesForJSONEvent(event).isEmpty() ? "nomatch" : "match";
		} catch (Exception e) {
			return "refused";
		}
	}

	// We may add a hint in parentheses to a reason, and mean more by a limit than it does.
	static boolean agree(String ours, String theirs) {
		return ours.equals(theirs) || ours.startsWith(theirs + " (did you mean ")
			|| ours.equals("error IPv4 mask bits must be <= 32") && theirs.equals("error IPv4 mask bits must be < 32");
	}

	public static void main(String[] args) throws Exception {
		long n = 0, bad = 0, settled = 0;
		for (String line : Files.readAllLines(Path.of(args[0]))) {
			String[] c = line.split("\t");
			String theirs = judge(c[2], c[3]).split(" ")[0];
			settled++;
			if (!theirs.equals(c[1])) {
				bad++;
				System.out.println("settled, but event-ruler says " + theirs + ": " + line);
			}
		}
		var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
		for (String line; (line = in.readLine()) != null; n++) {
			String[] c = line.split("\t", 3);
			String theirs = judge(c[1], c[2]);
			if (!agree(c[0], theirs)) {
				bad++;
				System.out.println("we say " + c[0] + ", event-ruler " + theirs + "\t" + c[1] + "\t" + c[2]);
			}
		}
		System.out.println("event-ruler: " + n + " cases, " + settled + " settled, " + bad + " disagree");
		System.exit(bad > 0 || n == 0 ? 1 : 0);
	}
}
