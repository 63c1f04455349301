/** Lint rules of this house that no plugin has. Written in JavaScript, because the linter loads them itself. */

/** `value as unknown as Other` believes anything. */
const noDoubleCast = {
  create: (context) => ({
    TSAsExpression(node) {
      if (node.expression.type !== "TSAsExpression") return;
      context.report({ node, message: "Two casts in a row switch the compiler off: parse or narrow the value." });
    },
  }),
};

const vagueName = /(?:^|[-/])(?:utils?|helpers?|common|misc|manager|service)\.ts$|\/index\.ts$/;

/** A file that is named after nothing collects everything. */
const noVagueFileName = {
  create: (context) => ({
    Program(node) {
      if (!vagueName.test(context.filename)) return;
      context.report({ node, message: "Name the file after what it exports." });
    },
  }),
};

const openEnd = /\b(?:TODO|FIXME|XXX)\b(?!\(#\d+\))/;

/** A note to oneself without an issue is never read again. */
const todoNamesIssue = {
  create: (context) => ({
    Program() {
      for (const comment of context.sourceCode.getAllComments()) {
        if (openEnd.test(comment.value)) context.report({ loc: comment.loc, message: "Write TODO(#issue), or do it." });
      }
    },
  }),
};

export default {
  meta: { name: "house" },
  rules: {
    "no-double-cast": noDoubleCast,
    "no-vague-file-name": noVagueFileName,
    "todo-names-issue": todoNamesIssue,
  },
};
