import java.io.*;
import java.nio.charset.StandardCharsets;
import software.amazon.event.ruler.Machine;
import software.amazon.event.ruler.JsonRuleCompiler;

class Third {
	public static void main(String[] args) throws Exception {
		var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
		long n = 0, bad = 0;
		for (String line; (line = in.readLine()) != null; n++) {
			String[] c = line.split("\t", 3);
			String verdict;
			String err = JsonRuleCompiler.check(c[1]);
			if (err != null) {
				int at = err.indexOf("\n at [Source");
				verdict = "error " + (at < 0 ? err : err.substring(0, at));
			} else {
				Machine m = new Machine();
				m.addRule("r", c[1]);
				try {
				verdict = m.rulesForJSONEvent(c[2]).isEmpty() ? "nomatch" : "match";
				} catch (Exception e) { verdict = "refused " + e; }
			}
			if (verdict.equals(c[0]))
				continue;
			bad++;
			System.out.println(c[0] + " | " + verdict + "\t" + c[1] + "\t" + c[2]);
		}
		System.out.println(n + " cases, " + bad + " disagree");
	}
}
