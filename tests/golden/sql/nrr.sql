SELECT
  *
FROM (
  SELECT
    "t10"."period",
    CAST(SUM("t10"."closing") AS DECIMAL(28, 6)) AS "retained_mrr",
    SUM(CASE WHEN "t10"."closing" <> 0 THEN 1 ELSE 0 END) AS "retained_mrr__rows",
    CAST(SUM(
      CASE
        WHEN "t10"."closing" < "t10"."opening"
        THEN "t10"."closing"
        ELSE "t10"."opening"
      END
    ) AS DECIMAL(28, 6)) AS "kept_mrr",
    SUM(
      CASE
        WHEN CASE
          WHEN "t10"."closing" < "t10"."opening"
          THEN "t10"."closing"
          ELSE "t10"."opening"
        END <> 0
        THEN 1
        ELSE 0
      END
    ) AS "kept_mrr__rows",
    COUNT(*) * 0 AS "left_out"
  FROM (
    SELECT
      "t9"."account",
      "t9"."channel",
      "t9"."campaign",
      "t9"."rule",
      "t9"."country",
      "t9"."persona",
      "t9"."cohort",
      "t9"."term",
      "t9"."plan",
      "t9"."currency",
      "t9"."origin",
      "t9"."period",
      "t9"."opening",
      COALESCE("t6"."held_mrr", CAST(0.000000 AS DECIMAL(18, 6))) AS "closing"
    FROM (
      SELECT
        "t7"."account",
        "t7"."channel",
        "t7"."campaign",
        "t7"."rule",
        "t7"."country",
        "t7"."persona",
        "t7"."cohort",
        "t7"."term",
        "t7"."plan",
        "t7"."currency",
        "t7"."origin",
        "t7"."period",
        "t7"."last_day",
        "t7"."mrr" AS "opening"
      FROM (
        SELECT
          "t5"."account",
          "t5"."mrr",
          "t5"."before",
          "t5"."drift",
          "t5"."left_out",
          "t5"."from_day",
          "t5"."until_day",
          "t5"."customer",
          "t5"."customer_before",
          "t5"."movement",
          "t5"."cause",
          "t5"."plan",
          "t5"."currency",
          "t5"."origin",
          "t5"."channel",
          "t5"."campaign",
          "t5"."rule",
          "t5"."country",
          "t5"."persona",
          "t5"."cohort",
          "t5"."term",
          "t5"."churn_reason",
          "t2"."period",
          "t2"."opening_day",
          "t2"."last_day",
          "t2"."first_day",
          "t2"."end_day"
        FROM (
          SELECT
            *
          FROM "levels" AS "t0"
        ) AS "t5"
        INNER JOIN "edges" AS "t2"
          ON "t5"."from_day" <= "t2"."opening_day" AND "t5"."until_day" > "t2"."opening_day"
      ) AS "t7"
      WHERE
        "t7"."customer" = 1
    ) AS "t9"
    LEFT OUTER JOIN (
      SELECT
        "t0"."account" AS "held_account",
        "t0"."from_day" AS "held_from",
        "t0"."until_day" AS "held_until",
        "t0"."mrr" AS "held_mrr"
      FROM "levels" AS "t0"
      WHERE
        "t0"."left_out" = 0
    ) AS "t6"
      ON "t9"."account" = "t6"."held_account"
      AND "t6"."held_from" <= "t9"."last_day"
      AND "t6"."held_until" > "t9"."last_day"
  ) AS "t10"
  GROUP BY
    1
) AS "t11";

SELECT
  *
FROM (
  SELECT
    "t4"."period",
    SUM("t4"."customer") AS "opening_customers",
    SUM(CASE WHEN "t4"."customer" <> 0 THEN 1 ELSE 0 END) AS "opening_customers__rows",
    CAST(SUM("t4"."mrr") AS DECIMAL(28, 6)) AS "opening_mrr",
    SUM(CASE WHEN "t4"."mrr" <> 0 THEN 1 ELSE 0 END) AS "opening_mrr__rows",
    SUM("t4"."left_out") AS "left_out"
  FROM (
    SELECT
      "t2"."account",
      "t2"."mrr",
      "t2"."before",
      "t2"."drift",
      "t2"."left_out",
      "t2"."from_day",
      "t2"."until_day",
      "t2"."customer",
      "t2"."customer_before",
      "t2"."movement",
      "t2"."cause",
      "t2"."plan",
      "t2"."currency",
      "t2"."origin",
      "t3"."period",
      "t3"."opening_day",
      "t3"."last_day",
      "t3"."first_day",
      "t3"."end_day"
    FROM "account_levels" AS "t2"
    INNER JOIN "edges" AS "t3"
      ON "t2"."from_day" <= "t3"."opening_day" AND "t2"."until_day" > "t3"."opening_day"
  ) AS "t4"
  GROUP BY
    1
) AS "t5";
